import { useState } from 'react';
import type { Integration, Provider } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { copyText } from './copy.js';
import { DisconnectDialog } from './DisconnectDialog.js';
import { Menu, type MenuItem } from './Menu.js';
import { nameOf } from '../client/names.js';
import { useUi } from './ui.js';

interface AccountMenuProps {
  /** The account. */
  integration: Integration;
  /** The platform's catalogue entry; undefined if the catalogue does not list it. */
  provider: Provider | undefined;
  /** The current time in milliseconds since the epoch; null during server rendering. */
  now: number | null;
}

/** The menu of an account: reconnect, refresh, copy the reference, disconnect. */
export function AccountMenu({ integration, provider, now }: AccountMenuProps) {
  const { messages, format } = useUi();
  const { reconnect, refresh } = useIntegrations();
  const [isDisconnecting, setDisconnecting] = useState(false);
  const { account } = messages;
  const {
    provider: slug,
    providerAccountId: id,
    correlationId,
    lastRefreshedAt,
    nextRefreshAt,
  } = integration;

  const items: MenuItem[] = [{ label: account.reconnect, onSelect: () => void reconnect(slug, id) }];
  if (integration.isConnected && provider?.capabilities.includes('refresh')) {
    items.push({ label: account.refresh, onSelect: () => void refresh(slug, id) });
  }
  if (correlationId)
    items.push({ label: account.copyReference, onSelect: () => void copyText(correlationId, messages) });
  items.push({ label: account.disconnect, onSelect: () => setDisconnecting(true) });

  const last = lastRefreshedAt
    ? account.refreshed(format.when(lastRefreshedAt, now))
    : account.connected(format.when(integration.createdAt, now));
  const next = nextRefreshAt ? account.nextRefresh(format.when(nextRefreshAt, now)) : null;
  return (
    <>
      <Menu
        label={account.actions(nameOf(integration))}
        note={[last, next].filter(Boolean).join(' · ')}
        items={items}
      />
      {isDisconnecting && (
        <DisconnectDialog integration={integration} onClose={() => setDisconnecting(false)} />
      )}
    </>
  );
}
