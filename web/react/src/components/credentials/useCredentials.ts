import { type FormEvent, type RefObject, useEffect, useState } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import type { CredentialField, SessionSite } from '../../client/types.js';
import { errorText } from '../../messages/error-text.js';
import type { ErrorMessages } from '../../messages/extra-messages.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { useFullUi } from '../extras/useFullUi.js';
import { useReading } from './useReading.js';

/** The field in which the server accepts the whole pasted text. The form does not send it: it extracts the values. */
const PASTED_FIELD = 'pasted';
/** The name of the consent checkbox. */
export const CONSENT_FIELD = 'consent';

type Flow = FlowState & { step: 'credentials' };

interface CredentialsOptions {
  flow: Flow;
  /** The platform's name. */
  name: string;
  site: SessionSite | undefined;
  form: RefObject<HTMLFormElement | null>;
}

/**
 * The state and the handlers of the credentials form. Secrets are only in the form's inputs, never in React state. They
 * stay there after an error, so that the user corrects what was pasted, and end with the dialog.
 */
export function useCredentials({ flow, name, site, form }: CredentialsOptions) {
  const { messages } = useFullUi();
  const { submitCredentials } = useIntegrations();
  const [missing, setMissing] = useState<readonly string[]>([]);
  /** Whether the text was changed since the server rejected it. */
  const [isChanged, setChanged] = useState(false);
  const fields = flow.fields.filter((field) => field.name !== PASTED_FIELD);
  const { result, onText, onFile } = useReading({ fields, name, site, form });
  const error = isChanged ? undefined : flow.error;
  const rejected = rejectedFields(error);
  const isPasted = ([field]: [string, string]) => field === PASTED_FIELD || result?.found.includes(field);
  const problems: Record<string, string> = Object.fromEntries([
    ...rejected.filter((entry) => !isPasted(entry)),
    ...fields
      .filter(({ name: field }) => missing.includes(field))
      .map((field) => [field.name, messages.credentials.required(field.label)]),
  ]);
  useFocusOnInvalid(form, error, missing);

  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (flow.busy) return;
    const { filled, empty } = readForm(event.currentTarget, fields);
    setMissing(empty);
    if (empty.length > 0) return;
    setChanged(false);
    void submitCredentials(filled);
  }

  return {
    fields,
    found: result?.found ?? null,
    pasteProblem: rejected.find(isPasted)?.[1] ?? result?.problem,
    problems,
    consentMissing: missing.includes(CONSENT_FIELD),
    /** The text of a failure that concerns no single field; undefined if there is none. */
    general: rejected.length === 0 ? generalText(error, name, messages.errors) : undefined,
    onSubmit,
    onText,
    onFile,
    onInput: () => setChanged(true),
  };
}

const generalText = (error: Flow['error'], provider: string, errors: ErrorMessages) =>
  error && errorText(error, { provider, errors });

/** Returns what the server reports as wrong, by field name. */
function rejectedFields(error: Flow['error']): [string, string][] {
  return Object.entries(error?.fields ?? {}).map(([path, text]) => [path.replace(/^values\.?/, ''), text]);
}

/** Focuses the first invalid input after an error, opening the section that contains it. */
function useFocusOnInvalid(
  form: RefObject<HTMLFormElement | null>,
  error: Flow['error'],
  missing: readonly string[],
): void {
  useEffect(() => {
    if (!error && missing.length === 0) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    const details = invalid?.closest('details');
    if (details) details.open = true;
    invalid?.focus();
  }, [error, missing, form]);
}

/** Returns the values of the inputs, and the names of the required inputs that are empty. */
function readForm(form: HTMLFormElement, fields: readonly CredentialField[]) {
  const data = new FormData(form);
  const values = fields.map(({ name }) => [name, String(data.get(name) ?? '').trim()] as const);
  const filled = Object.fromEntries(values.filter(([, value]) => value));
  const empty = fields.filter((field) => field.required && !filled[field.name]).map((field) => field.name);
  if (!data.has(CONSENT_FIELD)) empty.push(CONSENT_FIELD);
  return { filled, empty };
}
