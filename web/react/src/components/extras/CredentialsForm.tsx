import { useRef } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { Glyph } from '../Glyph.js';
import { CredentialInput } from './CredentialInput.js';
import { PasteBox } from './PasteBox.js';
import { CONSENT_FIELD, PASTED_FIELD, useCredentials } from './useCredentials.js';
import { useFullUi } from './useFullUi.js';

interface CredentialsFormProps {
  flow: FlowState & { step: 'credentials' };
  /** The platform's name. */
  name: string;
}

/** The form for the values of a session, which are extracted from pasted text or entered manually. */
export function CredentialsForm({ flow, name }: CredentialsFormProps) {
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const form = useRef<HTMLFormElement>(null);
  const { fields, problems, consentMissing, general, onSubmit } = useCredentials(flow, name, form);
  const texts = messages.credentials;
  return (
    <form ref={form} onSubmit={onSubmit} autoComplete="off" noValidate>
      <ol className="eg-steps">
        {texts.steps(name).map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <PasteBox key={String(flow.busy)} fields={fields} form={form} problem={problems[PASTED_FIELD]} />
      <details className="eg-by-hand">
        <summary>
          <Glyph name="chevron" />
          {texts.byHand}
        </summary>
        {fields.map((field) => (
          <CredentialInput key={field.name} field={field} problem={problems[field.name]} />
        ))}
      </details>
      <Consent missing={consentMissing} problem={general} />
      <div className="eg-dialog-buttons">
        <Button onClick={cancel}>{messages.flow.cancel}</Button>
        <Button type="submit" variant="primary" busy={flow.busy}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}

/** The explanation of what a session allows, and the checkbox by which the user consents. */
function Consent({ missing, problem }: { missing: boolean; problem: string | undefined }) {
  const texts = useFullUi().messages.credentials;
  return (
    <>
      <p className="eg-note">
        {texts.warning} {texts.ends}
      </p>
      <label className="eg-check">
        <input type="checkbox" name={CONSENT_FIELD} aria-invalid={missing || undefined} />
        {texts.consent}
      </label>
      <p role="alert" className="eg-problem">
        {problem ?? (missing && texts.consentNeeded)}
      </p>
    </>
  );
}
