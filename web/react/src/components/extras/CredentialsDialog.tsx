import { useState } from 'react';
import { useConnectFlow } from '../../react/useConnectFlow.js';
import { useIntegration } from '../../react/useIntegration.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { CredentialsForm } from './CredentialsForm.js';
import { Dialog } from './Dialog.js';
import { copy } from '../copy.js';
import { useFullUi } from './useFullUi.js';

/** Takes a session by hand, for a platform without a consent page; there while a flow asks for one. */
export function CredentialsDialog() {
  const flow = useConnectFlow();
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const asking = flow.step === 'credentials' ? flow : null;
  const name = useIntegration(asking?.provider ?? '')?.name ?? asking?.provider ?? '';
  const [needsComputer] = useState(isPhone);
  if (!asking) return null;
  return (
    <Dialog title={messages.credentials.title(name)} onClose={cancel}>
      {needsComputer ? <NeedsComputer /> : <CredentialsForm key={asking.flowId} flow={asking} name={name} />}
    </Dialog>
  );
}

function NeedsComputer() {
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  return (
    <>
      <p>{messages.credentials.needsComputer}</p>
      <div className="eg-dialog-buttons">
        <Button onClick={cancel}>{messages.flow.cancel}</Button>
        <Button variant="primary" data-eg-focus onClick={() => void copy(location.href, messages)}>
          {messages.inApp.copyLink}
        </Button>
      </div>
    </>
  );
}

const isPhone = () => matchMedia('(pointer: coarse)').matches;
