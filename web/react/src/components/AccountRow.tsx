import type { Integration, ProviderIntegrations } from '../client/types.js';
import { useSnapshot } from '../react/useSnapshot.js';
import { AccountMenu } from './AccountMenu.js';
import { AccountTrouble } from './AccountTrouble.js';
import { Avatar } from './Avatar.js';
import { IntegrationStatus } from './IntegrationStatus.js';
import { handleOf, nameOf } from './names.js';
import { troubleOf } from './trouble.js';
import { useNow } from './useNow.js';
import { useUi } from './ui.js';

export interface AccountRowProps {
  integration: Integration;
  provider: ProviderIntegrations | undefined;
  /** Whether its button is the one primary of the view. */
  primary?: boolean;
}

/** One connected account: a quiet line while it is well; one sentence and one button while it is not. */
export function AccountRow({ integration, provider, primary = false }: AccountRowProps) {
  const ui = useUi();
  const now = useNow();
  const key = `${integration.provider}/${integration.providerAccountId}`;
  const busy = useSnapshot((snapshot) => snapshot.busy.includes(key));
  const trouble = troubleOf(integration, provider, { ...ui, now });
  const handle = handleOf(integration);
  return (
    <li
      {...ui.root}
      className="eg-root eg-account"
      data-status={integration.status}
      aria-busy={busy || undefined}
    >
      <Avatar name={nameOf(integration)} src={integration.avatarUrl} />
      <span className="eg-account-name">
        <bdi className="eg-account-title" title={nameOf(integration)}>
          {nameOf(integration)}
        </bdi>
        {handle && <bdi className="eg-handle">{handle}</bdi>}
      </span>
      <IntegrationStatus status={integration.status} busy={busy} />
      <AccountMenu integration={integration} provider={provider} now={now} />
      {trouble && <AccountTrouble integration={integration} trouble={trouble} primary={primary} />}
    </li>
  );
}
