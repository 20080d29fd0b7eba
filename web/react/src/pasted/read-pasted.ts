/**
 * Extracts a session from pasted text: "Copy as cURL", a `Cookie` header, request headers, `document.cookie`, JSON, or
 * the export of a browser extension. It runs in the browser, so that only the required values are sent.
 */
import type { CredentialField } from '../client/types.js';
import { shellWords } from './shell-words.js';

/** The cookies and headers that the text contains. */
interface Pasted {
  /** By name. */
  cookies: Map<string, string>;
  /** By name in lower case. */
  headers: Map<string, string>;
}

/** The field in which the server accepts the whole text; it is not extracted. */
const PASTED_FIELD = 'pasted';

/** Returns the values of `fields` that the text contains, by field name. */
export function readPasted(
  text: string,
  fields: readonly Pick<CredentialField, 'name'>[],
): Record<string, string> {
  const pasted = parse(text.trim());
  const found: Record<string, string> = {};
  for (const { name } of fields) {
    const value = name === PASTED_FIELD ? undefined : valueOf(pasted, name);
    if (value) found[name] = value;
  }
  return found;
}

/**
 * Returns the cookie with the field's name, or with its prefix if the name ends in `_`; otherwise the header with that
 * name.
 */
function valueOf({ cookies, headers }: Pasted, name: string): string | undefined {
  const prefixed = name.endsWith('_') ? [...cookies.keys()].find((key) => key.startsWith(name)) : undefined;
  return (
    cookies.get(name) ?? cookies.get(prefixed ?? name) ?? headers.get(name.replaceAll('_', '-').toLowerCase())
  );
}

function parse(text: string): Pasted {
  const pasted: Pasted = { cookies: new Map(), headers: new Map() };
  if (/^curl(?:\.exe)?\s/i.test(text)) readCommand(pasted, text);
  else if (/^[[{]/.test(text)) readJson(pasted, text);
  else for (const line of text.split(/\r?\n/)) readLine(pasted, line);
  return pasted;
}

function readCommand(pasted: Pasted, text: string): void {
  const words = shellWords(text).values();
  for (const word of words) {
    const [, short, rest = ''] = /^-([HbA])([^]*)$/.exec(word) ?? [];
    const [, long, value] = /^--(header|cookie|user-agent)(?:=([^]*))?$/.exec(word) ?? [];
    const option = short ?? { header: 'H', cookie: 'b', 'user-agent': 'A' }[long ?? ''];
    if (!option) continue;
    const argument = (short ? rest : value) || words.next().value || '';
    if (option === 'H') readHeader(pasted, argument);
    else if (option === 'b') readCookies(pasted, argument);
    else pasted.headers.set('user-agent', argument.trim());
  }
}

/** Reads a flat object, one inside `auth`, or a list of `{name, value}` as browser extensions export it. */
function readJson(pasted: Pasted, text: string): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return;
  }
  if (Array.isArray(json)) {
    for (const { name, value } of json as { name?: unknown; value?: unknown }[]) {
      if (typeof name === 'string' && typeof value === 'string') pasted.cookies.set(name, value);
    }
    return;
  }
  const fields = (json as { auth?: object }).auth ?? json;
  for (const [key, value] of Object.entries(fields as object)) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const name = key.toLowerCase().replaceAll('_', '-');
    if (name === 'cookie') readCookies(pasted, String(value));
    else if (name === 'user-agent' || name === 'x-bc') pasted.headers.set(name, String(value).trim());
    else pasted.cookies.set(key, String(value).trim());
  }
}

/** Reads a line as a header if it starts with a header's name, otherwise as cookies. */
function readLine(pasted: Pasted, line: string): void {
  if (/^\s*[\w-]+\s*:/.test(line)) readHeader(pasted, line);
  else readCookies(pasted, line);
}

function readHeader(pasted: Pasted, line: string): void {
  const [, name, value] = /^\s*([\w-]+)\s*:([^]*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) return;
  if (name.toLowerCase() === 'cookie') readCookies(pasted, value);
  else pasted.headers.set(name.toLowerCase(), value.trim());
}

function readCookies(pasted: Pasted, line: string): void {
  for (const pair of line.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0) pasted.cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
}
