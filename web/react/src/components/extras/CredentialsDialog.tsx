import { useState } from 'react';
import { useConnectFlow } from '../../react/useConnectFlow.js';
import { useIntegration } from '../../react/useIntegration.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { copyText } from '../copy.js';
import { createLate } from '../createLate.js';
import { Dialog } from './Dialog.js';
import { useFullUi } from './useFullUi.js';

/** The form with the reader of pasted texts, which few users need. */
const useForm = createLate(() => import('../credentials/CredentialsForm.js'));

/** The dialog in which the user provides the credentials of a session, at a platform without a consent page. */
export function CredentialsDialog() {
  const flow = useConnectFlow();
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const current = flow.step === 'credentials' ? flow : null;
  const provider = useIntegration(current?.provider ?? '');
  const name = provider?.name ?? current?.provider ?? '';
  const [needsComputer] = useState(isPhone);
  const form = useForm(current !== null && !needsComputer, cancel);
  if (!current || !(needsComputer || form)) return null;
  return (
    <Dialog title={messages.credentials.title(name)} onClose={cancel}>
      {form ? (
        <form.CredentialsForm
          key={current.flowId}
          flow={current}
          name={name}
          site={provider?.sessionSite ?? undefined}
        />
      ) : (
        <NeedsComputer />
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
