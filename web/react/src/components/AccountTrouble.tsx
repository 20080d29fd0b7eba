import type { Integration } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button } from './Button.js';
import { copy } from './copy.js';
import { nameOf } from './names.js';
import type { Trouble } from './trouble.js';
import { useUi } from './ui.js';

interface AccountTroubleProps {
  integration: Integration;
  trouble: Trouble;
  primary: boolean;
}

export function AccountTrouble({ integration, trouble, primary }: AccountTroubleProps) {
  const { messages } = useUi();
  const { account } = messages;
  const { reconnect, refresh, isBusy } = useIntegrations();
  const { provider, providerAccountId: id, correlationId } = integration;
  const button = {
    reconnect: { label: account.reconnect, work: () => void reconnect(provider, id) },
    allow: { label: account.allow, work: () => void reconnect(provider, id) },
    retry: { label: account.tryNow, work: () => void refresh(provider, id) },
    reference: correlationId
      ? { label: account.copyReference, work: () => void copy(correlationId, messages) }
      : null,
  }[trouble.action ?? 'reference'];
  return (
    <div className="eg-trouble">
      <p>{trouble.text}</p>
      {trouble.action && button && (
        <Button
          variant={primary && trouble.action === 'reconnect' ? 'primary' : 'plain'}
          aria-label={account.doFor(button.label, nameOf(integration))}
          busy={isBusy(provider, id)}
          onClick={button.work}
        >
          {button.label}
        </Button>
      )}
    </div>
  );
}
