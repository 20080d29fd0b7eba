import { type FormEvent, type RefObject, useEffect, useState } from 'react';
import type { FlowState } from '../../client/flow-state.js';
import { errorText } from '../../messages/error-text.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { useFullUi } from './useFullUi.js';

/** The server would take the whole text in this field; here it is taken apart first. */
export const WHOLE = 'pasted';
export const CONSENT = 'consent';

type Flow = FlowState & { step: 'credentials' };

/**
 * What a form with a session needs. The secrets live in the form's own inputs alone, never in React's state, and are
 * gone from them the moment they are sent.
 */
export function useCredentials(flow: Flow, name: string, form: RefObject<HTMLFormElement | null>) {
  const { messages } = useFullUi();
  const { submitCredentials } = useIntegrations();
  const [lacking, setLacking] = useState<readonly string[]>([]);
  const fields = flow.fields.filter((field) => field.name !== WHOLE);
  const refused = refusedIn(flow);
  const required = lacking.map((field) => [field, messages.credentials.required]);
  const { error } = flow;

  // What is wrong is brought to sight and to the keyboard.
  useEffect(() => {
    if (!error && lacking.length === 0) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    const details = wrong?.closest('details');
    if (details) details.open = true;
    wrong?.focus();
  }, [error, lacking, form]);

  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (flow.busy) return;
    const data = new FormData(event.currentTarget);
    const values = fields.map(({ name: key }) => [key, String(data.get(key) ?? '').trim()] as const);
    const filled = Object.fromEntries(values.filter(([, value]) => value));
    const missing = fields
      .filter((field) => field.required && !filled[field.name])
      .map((field) => field.name);
    if (!data.has(CONSENT)) missing.push(CONSENT);
    setLacking(missing);
    if (missing.length > 0) return;
    void submitCredentials(filled);
    event.currentTarget.reset();
  }

  return {
    fields,
    problems: { ...refused, ...(Object.fromEntries(required) as Record<string, string>) },
    consentLacking: lacking.includes(CONSENT),
    /** What is wrong with the whole rather than with a field. */
    general: error && Object.keys(refused).length === 0 ? errorText(messages, error.code, name) : undefined,
    onSubmit,
  };
}

/** What the server says of each field, by the field's own name. */
function refusedIn({ error }: Flow): Record<string, string> {
  const told = Object.entries(error?.fields ?? {});
  return Object.fromEntries(told.map(([path, message]) => [path.replace(/^values\.?/, ''), message]));
}
