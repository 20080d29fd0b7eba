import { useState } from 'react';
import type { Integration, Provider } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { copy } from './copy.js';
import { DisconnectDialog } from './DisconnectDialog.js';
import { Menu, type MenuItem } from './Menu.js';
import { nameOf } from './names.js';
import { useUi } from './ui.js';

interface AccountMenuProps {
  integration: Integration;
  provider: Provider | undefined;
  now: number | null;
}

export function AccountMenu({ integration, provider, now }: AccountMenuProps) {
  const { messages, format } = useUi();
  const { reconnect, refresh } = useIntegrations();
  const [leaving, setLeaving] = useState(false);
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
    items.push({ label: account.renew, onSelect: () => void refresh(slug, id) });
  }
  if (correlationId)
    items.push({ label: account.copyReference, onSelect: () => void copy(correlationId, messages) });
  items.push({ label: account.disconnect, onSelect: () => setLeaving(true) });

  const last = lastRefreshedAt
    ? account.renewed(format.when(lastRefreshedAt, now))
    : account.connected(format.when(integration.createdAt, now));
  const next = nextRefreshAt ? account.nextRenewal(format.when(nextRefreshAt, now)) : null;
  return (
    <>
      <Menu
        label={account.actions(nameOf(integration))}
        note={[last, next].filter(Boolean).join(' · ')}
        items={items}
      />
      {leaving && <DisconnectDialog integration={integration} onClose={() => setLeaving(false)} />}
    </>
  );
}
