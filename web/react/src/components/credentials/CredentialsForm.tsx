import { useRef } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import type { SessionSite } from '../../client/types.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { useFullUi } from '../extras/useFullUi.js';
import { Glyph } from '../Glyph.js';
import { CredentialInput } from './CredentialInput.js';
import { PasteBox } from './PasteBox.js';
import { CONSENT_FIELD, useCredentials } from './useCredentials.js';

interface CredentialsFormProps {
  flow: FlowState & { step: 'credentials' };
  /** The platform's name. */
  name: string;
  /** Where sessions come from; undefined if the server does not say. */
  site: SessionSite | undefined;
}

/** The form for the values of a session, which are extracted from pasted text or entered manually. */
export function CredentialsForm({ flow, name, site }: CredentialsFormProps) {
  const { messages } = useFullUi();
  const { cancel } = useIntegrations();
  const form = useRef<HTMLFormElement>(null);
  const state = useCredentials({ flow, name, site, form });
  const texts = messages.credentials;
  return (
    <form ref={form} onSubmit={state.onSubmit} onInput={state.onInput} autoComplete="off" noValidate>
      <Steps name={name} site={site} />
      <PasteBox
        fields={state.fields}
        found={state.found}
        problem={state.pasteProblem}
        onText={state.onText}
        onFile={state.onFile}
      />
      <details className="eg-by-hand">
        <summary>
          <Glyph name="chevron" />
          {texts.byHand}
        </summary>
        {state.fields.map((field) => (
          <CredentialInput key={field.name} field={field} problem={state.problems[field.name]} />
        ))}
      </details>
      <Consent name={name} missing={state.consentMissing} problem={state.general} />
      <div className="eg-dialog-buttons">
        <Button onClick={cancel}>{messages.flow.cancel}</Button>
        <Button type="submit" variant="primary" busy={flow.busy}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}

/** Why a session is needed, and how it is copied. */
function Steps({ name, site }: Pick<CredentialsFormProps, 'name' | 'site'>) {
  const texts = useFullUi().messages.credentials;
  const steps = texts.steps(name, site?.domains[0] ?? name);
  return (
    <>
      <p className="eg-note">{texts.introduction(name, location.host)}</p>
      <ol className="eg-steps">
        {steps.map((step, index) => (
          <li key={step}>
            <span>
              {step}{' '}
              {index === 0 && site && (
                <a href={site.signInUrl} target="_blank" rel="noopener noreferrer">
                  {texts.signIn(name)}
                </a>
              )}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

interface ConsentProps {
  name: string;
  missing: boolean;
  problem: string | undefined;
}

/** The explanation of what a session allows, and the checkbox by which the user consents. */
function Consent({ name, missing, problem }: ConsentProps) {
  const texts = useFullUi().messages.credentials;
  return (
    <>
      <p className="eg-note">
        <strong>{texts.warning}</strong> {texts.storage} {texts.ends}
      </p>
      <p className="eg-note">{texts.terms(name)}</p>
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
