import { useState } from 'react';
import type { EvergrantError } from '../../client/error.js';
import type { FlowState } from '../../client/flow-state.js';
import { errorText } from '../../messages/error-text.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { copyText } from '../copy.js';
import { Glyph } from '../Glyph.js';
import { Countdown } from './Countdown.js';
import { useFullUi } from './useFullUi.js';

/** The states of a flow that the card shows; the others have a dialog or a toast, or are not shown. */
type ShownFlow = Exclude<FlowState, { step: 'idle' | 'connected' | 'choose' | 'credentials' }>;

/** The sentence that describes a flow's state; `name` is the platform's name. */
export function FlowText({ flow, name }: { flow: ShownFlow; name: string }) {
  const { messages } = useFullUi();
  if (flow.step === 'failed') return errorText(messages, flow.error.code, name);
  if (flow.step === 'waiting') return messages.flow.waiting;
  return flow.step === 'unsure' ? messages.flow.unsure : messages.flow.starting(name);
}

/** The buttons for a flow's state. */
export function FlowActions({ flow }: { flow: ShownFlow }) {
  const { messages } = useFullUi();
  const { cancel, reopen } = useIntegrations();
  if (flow.step === 'failed') return <FailureActions error={flow.error} />;
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

/** The buttons for a failed flow: dismiss it, and copy the correlation id. Shows when to try again, if the server says so. */
function FailureActions({ error }: { error: EvergrantError }) {
  const { messages } = useFullUi();
  const { dismiss } = useIntegrations();
  const { code, correlationId, retryAfter = 0 } = error;
  const [until] = useState(() => Date.now() + retryAfter * 1000);
  return (
    <>
      <button type="button" className="eg-close" aria-label={messages.toast.dismiss} onClick={dismiss}>
        <Glyph name="close" />
      </button>
      <div className="eg-flow-more">
        <Countdown until={until} text={messages.flow.tryAgainIn} />
        {correlationId && code !== 'OAUTH_DENIED' && (
          <Button variant="quiet" onClick={() => void copyText(correlationId, messages)}>
            {messages.account.copyReference}
          </Button>
        )}
      </div>
    </>
  );
}
