import { type FormEvent, useState } from 'react';
import { errorText } from '../../messages/error-text.js';
import { useIntegration } from '../../react/useIntegration.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import type { DisconnectDialogProps } from '../DisconnectDialog.js';
import { Dialog } from './Dialog.js';
import { nameOf } from '../../client/names.js';
import { useFullUi } from './useFullUi.js';

/** The dialog in which the user confirms that an account is disconnected. */
export function DisconnectDialog({ integration, onClose }: DisconnectDialogProps) {
  const { messages } = useFullUi();
  const { name, isSession, busy, problem, submit } = useDisconnect({ integration, onClose });
  const texts = messages.disconnect;
  return (
    <Dialog
      role="alertdialog"
      title={texts.title(nameOf(integration), name)}
      text={isSession ? texts.sessionText(name) : texts.text(name)}
      onClose={onClose}
    >
      <form onSubmit={(event) => void submit(event)}>
        <p className="eg-note">{texts.keeps}</p>
        <label className="eg-check">
          <input type="checkbox" name="deleteData" />
          {texts.deleteData}
        </label>
        <p role="alert" className="eg-problem">
          {problem}
        </p>
        <div className="eg-dialog-buttons">
          <Button data-eg-focus onClick={onClose}>
            {messages.flow.cancel}
          </Button>
          <Button type="submit" variant="danger" busy={busy}>
            {texts.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useDisconnect({ integration, onClose }: DisconnectDialogProps) {
  const { messages } = useFullUi();
  const { disconnect, isBusy } = useIntegrations();
  const { provider, providerAccountId: id } = integration;
  const entry = useIntegration(provider);
  const name = entry?.name ?? provider;
  const [problem, setProblem] = useState<string>();
  const busy = isBusy(provider, id);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (busy) return;
    const deleteData = new FormData(event.currentTarget).has('deleteData');
    const done = await disconnect(provider, id, { deleteData });
    if (done.status === 'disconnected') onClose();
    else setProblem(errorText(done.error, { provider: name, errors: messages.errors }));
  }

  return { name, isSession: entry?.kind === 'cookies', busy, problem, submit };
}
