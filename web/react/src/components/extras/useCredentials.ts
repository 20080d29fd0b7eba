import { type FormEvent, type RefObject, useEffect, useState } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import { errorText } from '../../messages/error-text.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { useFullUi } from './useFullUi.js';

/** The field in which the server accepts the whole pasted text. The form does not send it: it extracts the values. */
export const PASTED_FIELD = 'pasted';
/** The name of the consent checkbox. */
export const CONSENT_FIELD = 'consent';

type Flow = FlowState & { step: 'credentials' };

/**
 * The state and the submit handler of the credentials form. Secrets are only in the form's inputs, never in React state,
 * and are removed from the inputs when they are submitted.
 */
export function useCredentials(flow: Flow, name: string, form: RefObject<HTMLFormElement | null>) {
  const { messages } = useFullUi();
  const { submitCredentials } = useIntegrations();
  const [missing, setMissing] = useState<readonly string[]>([]);
  const fields = flow.fields.filter((field) => field.name !== PASTED_FIELD);
  const rejected = rejectedFields(flow);
  const required = missing.map((field) => [field, messages.credentials.required]);
  const { error } = flow;

  // Focuses the first invalid input, opening the section that contains it.
  useEffect(() => {
    if (!error && missing.length === 0) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    const details = invalid?.closest('details');
    if (details) details.open = true;
    invalid?.focus();
  }, [error, missing, form]);

  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (flow.busy) return;
    const data = new FormData(event.currentTarget);
    const values = fields.map(({ name: key }) => [key, String(data.get(key) ?? '').trim()] as const);
    const filled = Object.fromEntries(values.filter(([, value]) => value));
    const empty = fields.filter((field) => field.required && !filled[field.name]).map((field) => field.name);
    if (!data.has(CONSENT_FIELD)) empty.push(CONSENT_FIELD);
    setMissing(empty);
    if (empty.length > 0) return;
    void submitCredentials(filled);
    event.currentTarget.reset();
  }

  return {
    fields,
    problems: { ...rejected, ...(Object.fromEntries(required) as Record<string, string>) },
    consentMissing: missing.includes(CONSENT_FIELD),
    /** The text of a failure that concerns no single field; undefined if there is none. */
    general: error && Object.keys(rejected).length === 0 ? errorText(messages, error.code, name) : undefined,
    onSubmit,
  };
}

/** Returns what the server reports as wrong, by field name. */
function rejectedFields({ error }: Flow): Record<string, string> {
  const entries = Object.entries(error?.fields ?? {});
  return Object.fromEntries(entries.map(([path, message]) => [path.replace(/^values\.?/, ''), message]));
}
