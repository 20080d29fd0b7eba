import { useRef } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { Glyph } from '../Glyph.js';
import { CredentialInput } from './CredentialInput.js';
import { PasteBox } from './PasteBox.js';
import { CONSENT, useCredentials, WHOLE } from './useCredentials.js';
import { useFullUi } from './useFullUi.js';

interface CredentialsFormProps {
  flow: FlowState & { step: 'credentials' };
  /** The platform's. */
  name: string;
}

/** The parts of a session: pasted at once, or filled in by hand. */
export function CredentialsForm({ flow, name }: CredentialsFormProps) {
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const form = useRef<HTMLFormElement>(null);
  const { fields, problems, consentLacking, general, onSubmit } = useCredentials(flow, name, form);
  const words = messages.credentials;
  return (
    <form ref={form} onSubmit={onSubmit} autoComplete="off" noValidate>
      <ol className="eg-steps">
        {words.steps(name).map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <PasteBox key={String(flow.busy)} fields={fields} form={form} problem={problems[WHOLE]} />
      <details className="eg-by-hand">
        <summary>
          <Glyph name="chevron" />
          {words.byHand}
        </summary>
        {fields.map((field) => (
          <CredentialInput key={field.name} field={field} problem={problems[field.name]} />
        ))}
      </details>
      <Consent lacking={consentLacking} problem={general} />
      <div className="eg-dialog-buttons">
        <Button onClick={cancel}>{messages.flow.cancel}</Button>
        <Button type="submit" variant="primary" busy={flow.busy}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}

/** What giving a session away means, and that it is meant. */
function Consent({ lacking, problem }: { lacking: boolean; problem: string | undefined }) {
  const words = useFullUi().messages.credentials;
  return (
    <>
      <p className="eg-note">
        {words.warning} {words.ends}
      </p>
      <label className="eg-check">
        <input type="checkbox" name={CONSENT} aria-invalid={lacking || undefined} />
        {words.consent}
      </label>
      <p role="alert" className="eg-problem">
        {problem ?? (lacking && words.consentNeeded)}
      </p>
    </>
  );
}
