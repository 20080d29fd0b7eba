import { type FormEvent, useState } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import type { Choice } from '../../client/types.js';
import { errorText } from '../../messages/error-text.js';
import { useConnectFlow } from '../../react/useConnectFlow.js';
import { useIntegration } from '../../react/useIntegration.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Avatar } from '../Avatar.js';
import { Button } from '../Button.js';
import { Dialog } from './Dialog.js';
import { handleOf, nameOf } from '../../client/names.js';
import { useFullUi } from './useFullUi.js';

/** The dialog in which the user chooses among the accounts that a consent covers. */
export function ChooseDialog() {
  const flow = useConnectFlow();
  return flow.step === 'choose' ? <Choices key={flow.flowId} flow={flow} /> : null;
}

function Choices({ flow }: { flow: FlowState & { step: 'choose' } }) {
  const { messages } = useFullUi();
  const { chooseAccounts, cancel, integrations } = useIntegrations();
  const provider = useIntegration(flow.provider)?.name ?? flow.provider;
  const [chosen, setChosen] = useState(() => preselected(flow, integrations));
  const texts = messages.choose;
  const toggle = (id: string) =>
    setChosen((known) => (known.includes(id) ? known.filter((one) => one !== id) : [...known, id]));

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (chosen.length > 0) void chooseAccounts(chosen);
  }

  return (
    <Dialog title={texts.title(provider)} text={texts.intro} onClose={cancel}>
      <form onSubmit={submit}>
        <ul className="eg-choices">
          {flow.accounts.map((account) => (
            <ChoiceRow
              key={account.providerAccountId}
              account={account}
              checked={chosen.includes(account.providerAccountId)}
              onToggle={() => toggle(account.providerAccountId)}
            />
          ))}
        </ul>
        <p role="alert" className="eg-problem">
          {flow.error && errorText(flow.error, { provider, errors: messages.errors })}
        </p>
        <div className="eg-dialog-buttons">
          <Button onClick={cancel}>{messages.flow.cancel}</Button>
          <Button type="submit" variant="primary" busy={flow.busy || chosen.length === 0}>
            {texts.confirm(chosen.length)}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function ChoiceRow({ account, checked, onToggle }: { account: Choice; checked: boolean; onToggle(): void }) {
  return (
    <li>
      <label className="eg-choice">
        <input type="checkbox" checked={checked} onChange={onToggle} />
        <Avatar name={nameOf(account)} src={account.avatarUrl} />
        <span className="eg-account-name">
          <bdi className="eg-account-title">{nameOf(account)}</bdi>
          <bdi className="eg-handle">{handleOf(account)}</bdi>
        </span>
      </label>
    </li>
  );
}

/** Returns the accounts to preselect: the one to reconnect, or else the only one, or else those already connected. */
function preselected(
  flow: FlowState & { step: 'choose' },
  known: readonly { provider: string; providerAccountId: string }[],
): readonly string[] {
  const ids = flow.accounts.map((account) => account.providerAccountId);
  if (flow.accountId !== undefined) return ids.filter((id) => id === flow.accountId);
  const isConnected = (id: string) =>
    known.some((one) => one.provider === flow.provider && one.providerAccountId === id);
  return ids.length === 1 ? ids : ids.filter(isConnected);
}
