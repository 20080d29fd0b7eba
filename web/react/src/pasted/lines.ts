/**
 * Reads lines: headers, in the one-line form and in that of browsers' panels with the name above the value; `Cookie` texts;
 * cookie files in Netscape's format; tables; and environment files.
 */
import type { Findings } from './findings.js';
import { expiry, isWebAddress, normalName, splitOnce } from './value.js';

/** Reads the lines of a text. */
export function readLines(text: string, findings: Findings): void {
  const reader = new Reader(findings);
  for (const line of text.split(/[\r\n]/)) {
    const content = line.trim().replace(/^[>•* ]+/, '');
    if (content) reader.line(content);
  }
  reader.release();
}

class Reader {
  /** The name on the line before, whose value this line is. */
  #awaiting: string | undefined;
  /** A value that the next line can continue. */
  #held: { name: 'cookie' | 'user-agent'; text: string } | undefined;

  constructor(readonly findings: Findings) {}

  line(line: string): void {
    const name = line.replace(/:+$/, '');
    const awaiting = this.#awaiting;
    this.#awaiting = undefined;
    if (awaiting !== undefined && !isKnown(name)) return this.#named(awaiting, line);
    if (this.#row(line) || this.#requestLine(line)) return;
    if (isKnown(name)) {
      this.release();
      this.#awaiting = name;
      return;
    }
    const found = headerOf(line);
    // The comment of a User-Agent can contain a colon.
    const header = found && (isKnown(found[0]) || !this.#isInComment()) ? found : undefined;
    const pair = header ?? assignmentOf(line);
    if (!pair) return this.#other(line);
    if (!header || isKnown(header[0]) || !header[1].trim()) return this.#named(...pair);
    const isCookies = isCookieStart(header[1]) && header[0].toLowerCase() !== 'set-cookie';
    if (isCookies) this.#named('cookie', header[1]);
    else this.release();
  }

  /** Whether the held User-Agent ends inside of parentheses. */
  #isInComment(): boolean {
    const held = this.#held;
    return held?.name === 'user-agent' && held.text.lastIndexOf('(') > held.text.lastIndexOf(')');
  }

  /** Reads a value that belongs to a name. */
  #named(name: string, value: string): void {
    this.release();
    const [normal, text] = [normalName(name), value.trim()];
    if (normal === 'cookie' || normal === 'cookies') this.#held = { name: 'cookie', text };
    else if (normal === 'user_agent' || normal === 'useragent') this.#held = { name: 'user-agent', text };
    else this.findings.named(name, text);
  }

  /** Reads a line of cookies, or the rest of a value that was wrapped. */
  #other(line: string): void {
    const held = this.#held;
    if (held?.name === 'user-agent' && continuesAgent(line)) held.text += ` ${line}`;
    else if (held?.name === 'cookie' && (line.includes('=') || continuesCookies(held.text, line)))
      held.text += `\n${line}`;
    else {
      this.release();
      if (line.includes('=')) this.#held = { name: 'cookie', text: line };
    }
  }

  release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.findings.named(held.name, held.text);
  }

  /** Reads a row of a cookie file or of a table. Returns whether the line is one. */
  #row(line: string): boolean {
    const row = line.startsWith('#HttpOnly_') ? line.slice('#HttpOnly_'.length) : line;
    if (row.startsWith('#')) return true;
    const [domain = '', flag = '', , secure = '', expires = '', name = '', value] = row
      .trim()
      .split(/\s+/, 7);
    if (value !== undefined && isFlag(flag) && isFlag(secure)) {
      this.release();
      this.findings.exported(name, value, domain, expiry(expires));
      return true;
    }
    const [first = '', text, third, , fifth] = row.split('\t', 6).map((cell) => cell.trim());
    const label = first.replace(/:+$/, '');
    if (text === undefined || !isKnown(label)) return false;
    this.release();
    if (third?.includes('.'))
      this.findings.exported(label, text, third, fifth === undefined ? undefined : expiry(fifth));
    else this.#named(label, text);
    return true;
  }

  /** Reads the first line of a request. Returns whether the line is one. */
  #requestLine(line: string): boolean {
    const [method = '', target = '', version = '', more] = line.trim().split(/\s+/, 4);
    if (more !== undefined || !/^[A-Z]+$/.test(method) || !version.startsWith('HTTP/')) return false;
    this.release();
    this.findings.beginSource();
    if (isWebAddress(target)) this.findings.setHost(target);
    return true;
  }
}

const isFlag = (text: string) => text === 'TRUE' || text === 'FALSE';

const KNOWN =
  /^(?:cookies?|user_?agent|x_bc|user_id|host|:authority|request_url|sess|auth_id|auth_uid_[\w-]*)$/;

/** Whether a name is one of the parts, or of the address of a request. */
const isKnown = (name: string) => KNOWN.test(normalName(name));

/** Splits a header line. */
function headerOf(line: string): [string, string] | undefined {
  const at = line.indexOf(':', line.startsWith(':') ? 1 : 0);
  if (at < 0 || at > 70) return undefined;
  const name = line.slice(0, at).trim();
  const inner = name.replace(/^:/, '');
  const isName = /^[\w -]{1,64}$/.test(inner) && (!inner.includes(' ') || isKnown(inner));
  return isName ? [name, line.slice(at + 1)] : undefined;
}

/** Splits a line of an environment file whose value can contain semicolons. */
function assignmentOf(line: string): [string, string] | undefined {
  const [before, text] = splitOnce(line, '=');
  const name = /[^ :]*$/.exec(before.trim().slice(-64))?.[0] ?? '';
  const isHeader = /^(?:user_agent|x_bc|user_id|cookie)$/.test(normalName(name));
  return text !== undefined && isHeader ? [name, text] : undefined;
}

/** Whether a text begins with a cookie of a session. */
function isCookieStart(text: string): boolean {
  const [name, value] = splitOnce(text, '=');
  return value !== undefined && /^(?:sess|auth_id|fp|csrf|st|lang|auth_uid_.*)$/.test(normalName(name));
}

const continuesAgent = (line: string) => !line.includes('=') && /^\(|\)|\/\d/.test(line);

/** Whether a line without a name is the rest of a cookie's value, and not a word of the person who pasted it. */
function continuesCookies(cookies: string, line: string): boolean {
  return cookies.length >= 40 && !cookies.endsWith(';') && /^[\w%+/.~;-]*$/.test(line) && /\d/.test(line);
}
