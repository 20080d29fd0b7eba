import { type RefObject, useState } from 'react';
import type { CredentialField, SessionSite } from '../../client/types.js';
import type { CredentialsMessages } from '../../messages/extra-messages.js';
import type { Part } from '../../pasted/value.js';
import { MAX_TEXT, readSession } from '../../pasted/read-session.js';
import type { Reading } from '../../pasted/findings.js';
import { useFullUi } from '../extras/useFullUi.js';

interface ReadingOptions {
  /** The values to extract. */
  fields: readonly CredentialField[];
  /** The platform's name. */
  name: string;
  site: SessionSite | undefined;
  /** The form whose inputs are filled. */
  form: RefObject<HTMLFormElement | null>;
}

/** What a pasted text contains: names only, because React state holds no secret. */
interface Result {
  found: readonly string[];
  /** What is wrong with the text; undefined if nothing is. */
  problem: string | undefined;
}

/** Reads pasted texts and files, and moves the values that they contain to the form's inputs. */
export function useReading({ fields, name, site, form }: ReadingOptions) {
  const { messages } = useFullUi();
  const [result, setResult] = useState<Result | null>(null);
  const domain = site?.domains[0] ?? name;

  function onText(text: string): void {
    if (!text.trim()) return setResult(null);
    if (text.length > MAX_TEXT) return setResult({ found: [], problem: messages.credentials.causes.tooLong });
    const reading = readSession(text, site?.domains ?? []);
    const found = fields.filter((field) => reading.values[field.name as Part]).map((field) => field.name);
    for (const part of found) {
      const input = form.current?.elements.namedItem(part);
      if (input instanceof HTMLInputElement) input.value = reading.values[part as Part] ?? '';
    }
    const isEmpty = (field: CredentialField) => {
      const input = form.current?.elements.namedItem(field.name);
      return field.required && !(input instanceof HTMLInputElement && input.value.trim());
    };
    const missing = fields.filter(isEmpty);
    const list = new Intl.ListFormat(messages.locale, { type: 'disjunction' });
    const either = (labels: string[]) => list.format(labels);
    const problem = problemOf({
      reading,
      found,
      missing,
      fields,
      name,
      domain,
      texts: messages.credentials,
      either,
    });
    setResult({ found, problem });
  }

  function onFile(file: File): void {
    const tooLong = { found: [], problem: messages.credentials.causes.tooLong };
    if (file.size > MAX_TEXT) setResult(tooLong);
    else void file.text().then(onText, () => setResult(null));
  }

  return { result, onText, onFile };
}

interface Problem {
  reading: Reading;
  /** The names of the values that were found. */
  found: readonly string[];
  /** The required fields that are empty. */
  missing: readonly CredentialField[];
  fields: readonly CredentialField[];
  name: string;
  domain: string;
  texts: CredentialsMessages;
  either(labels: string[]): string;
}

/** Returns what the text lacks, and what to do about it; the same sentences as those of the server. */
function problemOf(problem: Problem): string | undefined {
  const { reading, found, missing, fields, name, domain, texts, either } = problem;
  if (missing.length === 0 && found.length > 0) return undefined;
  const lacks = texts.missing(either(missing.map(({ label }) => label)));
  const { cause } = reading;
  if (!cause) return [lacks, ...missing.map(({ help }) => help)].join(' ');
  switch (cause.kind) {
    case 'wrongSite':
      return texts.causes.wrongSite(cause.host, domain);
    case 'masked': {
      const hidden = fields.filter((field) => cause.parts.includes(field.name as Part));
      return texts.causes.masked(either(hidden.map(({ label }) => label)));
    }
    case 'cookiesOnly':
      return `${lacks} ${texts.causes.cookiesOnly}`;
    case 'nothing':
      return texts.causes.nothing(domain);
    case 'expired':
      return texts.causes.expired(name);
    default:
      return texts.causes[cause.kind];
  }
}
