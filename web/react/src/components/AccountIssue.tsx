import type { Integration } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button } from './Button.js';
import { copyText } from './copy.js';
import type { Issue } from './issue.js';
import { nameOf } from '../client/names.js';
import { useUi } from './ui.js';

interface AccountIssueProps {
  /** The account. */
  integration: Integration;
  /** What is wrong with it. */
  issue: Issue;
  /** Whether the reconnect button uses the primary style. */
  primary: boolean;
}

/** What is wrong with an account, and the button that fixes it. */
export function AccountIssue({ integration, issue, primary }: AccountIssueProps) {
  const { messages } = useUi();
  const { account } = messages;
  const { reconnect, refresh, isBusy } = useIntegrations();
  const { provider, providerAccountId: id, correlationId } = integration;
  const button = {
    reconnect: { label: account.reconnect, work: () => void reconnect(provider, id) },
    allow: { label: account.allow, work: () => void reconnect(provider, id) },
    retry: { label: account.retry, work: () => void refresh(provider, id) },
    reference: correlationId
      ? { label: account.copyReference, work: () => void copyText(correlationId, messages) }
      : null,
  }[issue.action ?? 'reference'];
  return (
    <div className="eg-issue">
      <p>{issue.text}</p>
      {issue.action && button && (
        <Button
          variant={primary && issue.action === 'reconnect' ? 'primary' : 'plain'}
          aria-label={account.actionFor(button.label, nameOf(integration))}
          busy={isBusy(provider, id)}
          onClick={button.work}
        >
          {button.label}
        </Button>
      )}
    </div>
  );
}
