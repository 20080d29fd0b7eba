import { useState } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import { mentionOf } from '../../client/names.js';
import type { ProviderIntegrations } from '../../client/types.js';
import { errorText } from '../../messages/error-text.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { copyText } from '../copy.js';
import { Countdown } from '../Countdown.js';
import { Glyph } from '../Glyph.js';
import { useFullUi } from './useFullUi.js';

/** The states of a flow that the card shows; the others have a dialog or a toast, or are not shown. */
type ShownFlow = Exclude<FlowState, { step: 'idle' | 'connected' | 'choose' | 'credentials' }>;
type Failed = ShownFlow & { step: 'failed' };

/** A flow and its platform. */
interface FlowProps<Flow = ShownFlow> {
  flow: Flow;
  provider: ProviderIntegrations;
}

/** The sentence that describes a flow's state. */
export function FlowText({ flow, provider }: FlowProps) {
  const { messages } = useFullUi();
  const { name, integrations } = provider;
  if (flow.step === 'failed') {
    const expected = integrations.find((one) => one.providerAccountId === flow.accountId);
    const account = expected && mentionOf(expected);
    const help = flow.error.code === 'NO_ELIGIBLE_ACCOUNT' ? provider.accountHelp : null;
    return errorText(flow.error, { provider: name, account, help, errors: messages.errors });
  }
  if (flow.step === 'waiting') return messages.flow.waiting;
  return flow.step === 'unsure' ? messages.flow.unsure : messages.flow.starting(name);
}

/** The buttons for a flow's state. */
export function FlowActions({ flow, provider }: FlowProps) {
  const { messages } = useFullUi();
  const { cancel, reopen } = useIntegrations();
  if (flow.step === 'failed') return <FailureActions flow={flow} provider={provider} />;
  if (flow.step === 'starting') return null;
  return (
    <>
      {flow.step === 'unsure' && <Button onClick={reopen}>{messages.flow.reopen}</Button>}
      <Button variant="quiet" onClick={cancel}>
        {messages.flow.cancel}
      </Button>
    </>
  );
}

/** What the user can do about a failed flow, with the time to wait if the server says so. */
function FailureActions({ flow, provider }: FlowProps<Failed>) {
  const { messages } = useFullUi();
  const { dismiss } = useIntegrations();
  const { code, correlationId, retryAfter = 0 } = flow.error;
  const [until] = useState(() => Date.now() + retryAfter * 1000);
  return (
    <>
      <button type="button" className="eg-close" aria-label={messages.toast.dismiss} onClick={dismiss}>
        <Glyph name="close" />
      </button>
      <div className="eg-flow-more">
        <Countdown until={until} text={messages.flow.tryAgainIn} locale={messages.locale} />
        <NextSteps flow={flow} provider={provider} />
        {correlationId && code !== 'OAUTH_DENIED' && (
          <Button variant="quiet" onClick={() => void copyText(correlationId, messages)}>
            {messages.account.copyReference}
          </Button>
        )}
      </div>
    </>
  );
}

/** The buttons that start another attempt. A card without accounts has its own button for that. */
function NextSteps({ flow, provider }: FlowProps<Failed>) {
  const { messages } = useFullUi();
  const { connect } = useIntegrations();
  const { code, accounts: [other] = [] } = flow.error;
  const { accountId } = flow;
  const { name, accountHelpUrl } = provider;
  return (
    <>
      {code === 'NO_ELIGIBLE_ACCOUNT' && accountHelpUrl && (
        <a href={accountHelpUrl} target="_blank" rel="noopener noreferrer">
          {messages.flow.accountHelp(name)}
        </a>
      )}
      {(accountId || provider.integrations.length > 0) && (
        <Button onClick={() => void connect(provider.provider, accountId ? { accountId } : {})}>
          {messages.card.tryAgain}
        </Button>
      )}
      {code === 'ACCOUNT_MISMATCH' && other && (
        <Button variant="quiet" onClick={() => void connect(provider.provider)}>
          {messages.flow.addInstead(mentionOf(other))}
        </Button>
      )}
    </>
  );
}
