import { useState } from 'react';
import { useConnectFlow } from '../../react/useConnectFlow.js';
import { useIntegration } from '../../react/useIntegration.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { CredentialsForm } from './CredentialsForm.js';
import { Dialog } from './Dialog.js';
import { copyText } from '../copy.js';
import { useFullUi } from './useFullUi.js';

/** The dialog in which the user provides the credentials of a session, at a platform without a consent page. */
export function CredentialsDialog() {
  const flow = useConnectFlow();
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const current = flow.step === 'credentials' ? flow : null;
  const name = useIntegration(current?.provider ?? '')?.name ?? current?.provider ?? '';
  const [needsComputer] = useState(isPhone);
  if (!current) return null;
  return (
    <Dialog title={messages.credentials.title(name)} onClose={cancel}>
      {needsComputer ? (
        <NeedsComputer />
      ) : (
        <CredentialsForm key={current.flowId} flow={current} name={name} />
      )}
    </Dialog>
  );
}

/** Shown on phones, whose browsers have no developer tools. */
function NeedsComputer() {
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  return (
    <>
      <p>{messages.credentials.needsComputer}</p>
      <div className="eg-dialog-buttons">
        <Button onClick={cancel}>{messages.flow.cancel}</Button>
        <Button variant="primary" data-eg-focus onClick={() => void copyText(location.href, messages)}>
          {messages.inApp.copyLink}
        </Button>
      </div>
    </>
  );
}

const isPhone = () => matchMedia('(pointer: coarse)').matches;
