import type { FlowState } from '../../client/flow-state.js';
import { errorText } from '../../messages/error-text.js';
import type { Messages } from '../../messages/types.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { Glyph } from '../Glyph.js';
import { useFullUi } from './useFullUi.js';

type Told = Exclude<FlowState, { step: 'idle' | 'connected' | 'choose' | 'credentials' }>;

/** One sentence on the flow, and what can be done. */
export function FlowNotice({ flow, name }: { flow: Told; name: string }) {
  const { messages } = useFullUi();
  const { cancel, reopen, dismiss } = useIntegrations();
  const isAway = flow.step === 'waiting' || flow.step === 'unsure' || flow.step === 'redirecting';
  return (
    <>
      <p>{textOf(flow, messages, name)}</p>
      {flow.step === 'unsure' && <Button onClick={reopen}>{messages.flow.reopen}</Button>}
      {isAway && (
        <Button variant="quiet" onClick={cancel}>
          {messages.flow.cancel}
        </Button>
      )}
      {flow.step === 'failed' && (
        <button type="button" className="eg-close" aria-label={messages.toast.dismiss} onClick={dismiss}>
          <Glyph name="close" />
        </button>
      )}
    </>
  );
}

function textOf(flow: Told, messages: Messages, name: string): string {
  if (flow.step === 'failed') return errorText(messages, flow.error.code, name);
  if (flow.step === 'waiting') return messages.flow.waiting;
  return flow.step === 'unsure' ? messages.flow.unsure : messages.flow.starting(name);
}
