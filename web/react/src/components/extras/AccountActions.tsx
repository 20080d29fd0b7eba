import { type RefObject, useEffect, useState } from 'react';
import { useIntegrations } from '../../react/useIntegrations.js';
import type { AccountMenuProps } from '../AccountMenu.js';
import { copy } from '../copy.js';
import { nameOf } from '../names.js';
import { DisconnectDialog } from './DisconnectDialog.js';
import { Menu, type MenuItem } from './Menu.js';
import { useFullUi } from './useFullUi.js';

interface AccountActionsProps extends AccountMenuProps {
  button: RefObject<HTMLButtonElement | null>;
  /** Whether the button was pressed already. */
  isAwaited: RefObject<boolean>;
}

/** What can be done with an account, and how old its token is. */
export function AccountActions({ button, isAwaited, integration, provider, now }: AccountActionsProps) {
  const { messages, format } = useFullUi();
  const { reconnect, refresh } = useIntegrations();
  const [leaving, setLeaving] = useState(false);
  const { account, menu } = messages;
  useEffect(() => void (isAwaited.current && button.current?.click()), [button, isAwaited]);
  const {
    provider: slug,
    providerAccountId: id,
    correlationId,
    lastRefreshedAt,
    nextRefreshAt,
  } = integration;

  const items: MenuItem[] = [{ label: account.reconnect, onSelect: () => void reconnect(slug, id) }];
  if (integration.isConnected && provider?.capabilities.includes('refresh')) {
    items.push({ label: menu.renew, onSelect: () => void refresh(slug, id) });
  }
  if (correlationId)
    items.push({ label: account.copyReference, onSelect: () => void copy(correlationId, messages) });
  items.push({ label: menu.disconnect, onSelect: () => setLeaving(true) });

  const last = lastRefreshedAt
    ? menu.renewed(format.when(lastRefreshedAt, now))
    : menu.connected(format.when(integration.createdAt, now));
  const next = nextRefreshAt ? menu.nextRenewal(format.when(nextRefreshAt, now)) : null;
  return (
    <>
      <Menu
        button={button}
        label={account.actions(nameOf(integration))}
        note={[last, next].filter(Boolean).join(' · ')}
        items={items}
      />
      {leaving && <DisconnectDialog integration={integration} onClose={() => setLeaving(false)} />}
    </>
  );
}
