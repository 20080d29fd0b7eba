/** Names and values as they occur in pasted texts. */

/** A part of a session; the name of its field in the form. */
export type Part = 'sess' | 'auth_id' | 'user_agent' | 'x_bc' | 'auth_uid_';

/** Returns a name in lower case with underscores: `X-BC` is `x_bc`. */
export function normalName(name: string): string {
  return name.length > 64 ? '' : name.trim().replace(/[- ]/g, '_').toLowerCase();
}

export const isWebAddress = (text: string): boolean => /^https?:\/\//i.test(text);

/**
 * Returns a cookie text without the line breaks of a wrapped paste. A line that begins with a name begins a pair; any
 * other line continues a value.
 */
function unwrapped(text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  let joined = '';
  for (const line of trimmedLines(text)) joined += joined && beginsPair(line) ? `;${line}` : line;
  return joined;
}

function trimmedLines(text: string): string[] {
  return text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean);
}

function beginsPair(line: string): boolean {
  const [name = '', text] = splitOnce(line, '=');
  if (text === undefined) return false;
  const [value = ''] = text.split(';', 1);
  return /^[\w-]+$/.test(name.trimEnd()) && !/^=*$/.test(value.trim());
}

/** Splits a text at the first occurrence of a character. */
export function splitOnce(text: string, divider: string): [string, string | undefined] {
  const at = text.indexOf(divider);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Returns the `name=value` pairs of a cookie text: separated by semicolons, commas or spaces, with or without spaces
 * around `=`. Text before a name is skipped.
 */
export function cookiePairs(text: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const segment of unwrapped(text).split(';')) {
    let start = 0;
    for (let at = segment.indexOf('='); at >= 0; at = segment.indexOf('=', start)) {
      const before = segment.slice(start, at).trimEnd();
      let from = before.length;
      while (from > 0 && /[\w-]/.test(before.charAt(from - 1))) from--;
      let valueAt = at + 1;
      while (valueAt < segment.length && /\s/.test(segment.charAt(valueAt))) valueAt++;
      start = valueAt;
      while (start < segment.length && !/\s/.test(segment.charAt(start))) start++;
      // A parameter of a URL is not a cookie.
      const isParameter = from > 0 && '?&/%.'.includes(before.charAt(from - 1));
      pairs.push([isParameter ? '' : before.slice(from), segment.slice(valueAt, start)]);
    }
  }
  return pairs;
}

/** Returns a value without what the paste added: line breaks, surrounding quotes, and a comma or backslash at the end. */
export function cleaned(part: Part, text: string): string {
  const inner = withoutQuotes(trimmedLines(text).join(part === 'user_agent' ? ' ' : ''));
  const isEncoded = part === 'user_agent' && !inner.includes(' ') && inner.includes('%20');
  return isEncoded ? percentDecoded(inner) : inner;
}

function withoutQuotes(text: string): string {
  let end = text.length;
  while (end > 0 && /[,\\\s]/.test(text.charAt(end - 1))) end--;
  const trimmed = text.slice(0, end).trimStart();
  const quote = trimmed.charAt(0);
  if (trimmed.length > 1 && quote && '"\'`'.includes(quote) && trimmed.endsWith(quote))
    return trimmed.slice(1, -1).trim();
  end = trimmed.length;
  while (end > 0 && '"\''.includes(trimmed.charAt(end - 1))) end--;
  return trimmed.slice(0, end);
}

/** Whether a value stands for none. */
export const isAbsent = (text: string): boolean => /^(?:|null|undefined|None|deleted)$/.test(text);

/** Whether a value is hidden behind dots or asterisks, or cut by an ellipsis. */
export function isMasked(text: string): boolean {
  if (/[•●∙⋯…█]|\*\*\*/.test(text) || text.trim().endsWith('...')) return true;
  return text.length < 64 && /^[^a-z0-9]*(?:redacted|masked|hidden|removed|x{3,})[^a-z0-9]*$/i.test(text);
}

/** Whether a value can be that of the part. */
export function isPlausible(part: Part, text: string): boolean {
  if (part === 'user_agent') return /^[ -~]*$/.test(text);
  return part === 'auth_id' ? /^\d*$/.test(text) : /^[!-~]*$/.test(text) && !/[",;\\]/.test(text);
}

/**
 * Returns the end of a cookie's life in Unix seconds; undefined if it is that of the browser session or unreadable.
 * Numbers above 10^11 are milliseconds.
 */
export function expiry(text: string): number | undefined {
  const trimmed = text.trim();
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (!Number.isNaN(number)) return Math.trunc(number > 1e11 ? number / 1000 : number);
  const time = /^\d{4}-\d\d-\d\dT.*Z$/.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** Decodes `%XX`; an invalid escape stays as it is. */
export function percentDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (codes) => {
    const bytes = codes
      .slice(1)
      .split('%')
      .map((code) => Number.parseInt(code, 16));
    return new TextDecoder().decode(new Uint8Array(bytes));
  });
}

/**
 * Whether a host can be no real site: one of this machine, or of a domain that is reserved for tests and documentation.
 * Simulators have such hosts.
 */
export const isPlaceholder = (host: string): boolean =>
  /^(?:127\.|\[::1\]$)|(?:^|\.)(?:localhost|test|example|invalid)$/.test(host);

/**
 * Returns the host of a URL, a `Host` header or a cookie's domain, in lower case; undefined if the text has no such form.
 */
export function hostOf(address: string): string | undefined {
  const trimmed = address.trim();
  const [, rest = trimmed] = /^[^/]*?:\/\/([^]*)$/.exec(trimmed) ?? [];
  const [authority = ''] = rest.split(/[/?#\\]/, 1);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const name = host.startsWith('[') ? (/^[^\]]*\]?/.exec(host)?.[0] ?? host) : host.replace(/:[^:]*$/, '');
  const plain = name.replace(/^\.+/, '').toLowerCase();
  return plain.length <= 253 && /^[a-z0-9._:[\]-]+$/.test(plain) ? plain : undefined;
}
