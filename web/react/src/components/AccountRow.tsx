import type { Integration, ProviderIntegrations } from '../client/types.js';
import { useSnapshot } from '../react/useSnapshot.js';
import { AccountMenu } from './AccountMenu.js';
import { AccountIssue } from './AccountIssue.js';
import { Avatar } from './Avatar.js';
import { IntegrationStatus } from './IntegrationStatus.js';
import { issueOf, shownStatus } from './issue.js';
import { handleOf, nameOf } from '../client/names.js';
import { useNow } from './useNow.js';
import { useUi } from './ui.js';

/** The props of `AccountRow`. */
export interface AccountRowProps {
  /** The account. */
  integration: Integration;
  /** The account's platform; undefined if the catalogue does not list it. */
  provider: ProviderIntegrations | undefined;
  /**
   * Whether the reconnect button uses the primary style, which a view should use only once.
   *
   * @default false
   */
  primary?: boolean;
}

/** A connected account with its status and menu. If it needs attention, one sentence and one button are added. */
export function AccountRow({ integration, provider, primary = false }: AccountRowProps) {
  const ui = useUi();
  const now = useNow();
  const key = `${integration.provider}/${integration.providerAccountId}`;
  const busy = useSnapshot((snapshot) => snapshot.busy.includes(key));
  const issue = issueOf(integration, provider, { ...ui, now });
  const handle = handleOf(integration);
  return (
    <li
      {...ui.root}
      className="eg-root eg-account"
      data-status={shownStatus(integration)}
      aria-busy={busy || undefined}
    >
      <Avatar name={nameOf(integration)} src={integration.avatarUrl} />
      <span className="eg-account-name">
        <bdi className="eg-account-title" title={nameOf(integration)}>
          {nameOf(integration)}
        </bdi>
        {handle && <bdi className="eg-handle">{handle}</bdi>}
      </span>
      <IntegrationStatus status={shownStatus(integration)} busy={busy} />
      <AccountMenu integration={integration} provider={provider} now={now} />
      {issue && <AccountIssue integration={integration} issue={issue} primary={primary} />}
    </li>
  );
}
