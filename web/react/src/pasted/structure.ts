/**
 * Finds the parts of a session in literals: HAR files, exports of cookies, request objects, and the settings files of
 * other programs.
 */
import type { Findings } from './findings.js';
import { readLines } from './lines.js';
import { type Group, readLiterals, Text } from './literal.js';
import { expiry, isWebAddress } from './value.js';

/** How often a string inside of a string is read. */
const MAX_TEXTS_IN_TEXTS = 2;

/** The keys below which nothing belongs to the session that the browser sends. */
const OTHER = /^(?:response|set_cookie|querystring|postdata|params|localstorage|sessionstorage)$/;

/** Reads the literals of a text. */
export function readStructure(text: string, findings: Findings): void {
  new Reader(findings).text(text);
}

class Reader {
  #textsInTexts = 0;

  constructor(readonly findings: Findings) {}

  text(text: string): void {
    this.#members(readLiterals(text));
  }

  #group(group: Group): void {
    if (this.#call(group) || this.#pair(group)) return;
    const address = addressOf(group);
    if (address === undefined) return this.#members(group);
    this.findings.beginSource();
    this.findings.setHost(address);
    this.#members(group);
    this.findings.beginSource();
  }

  /** Reads a call of which the arguments are a cookie or a header, or one that begins a session. Returns whether it is one. */
  #call(group: Group): boolean {
    if (!group.call) return false;
    const name = group.call.slice(group.call.lastIndexOf('.') + 1);
    if (name === 'WebRequestSession') {
      this.findings.beginSource();
      return true;
    }
    if (name === 'fetch' && group.members.length > 0) this.findings.hasFetch = true;
    if (group.members.length > 4) return false;
    const texts = group.leadingTexts();
    const [first, second, , domain] = texts;
    if (first === undefined || second === undefined) return false;
    if (name === 'Cookie') this.findings.exported(first, second, domain);
    else return texts.length === 2 && group.members.length === 2 && this.findings.named(first, second);
    return true;
  }

  /** Reads `{"name": …, "value": …}` or `["name", "value"]`. Returns whether the group is one. */
  #pair(group: Group): boolean {
    const [first, second, more] = group.members;
    if (first && second && !more && first.key === undefined && second.key === undefined) {
      if (first.node instanceof Text && second.node instanceof Text)
        return this.findings.named(first.node.decoded(), second.node.decoded());
    }
    const name = group.text('name', 'name_raw', 'key');
    if (name === undefined) return false;
    const text = group.text('value', 'content_raw');
    if (text === undefined) return false;
    const domain = group.text('domain', 'host_raw', 'host', 'url');
    const expires = group.text('expirationdate', 'expires_raw', 'expiry', 'expires');
    this.findings.exported(name, text, domain, expires === undefined ? undefined : expiry(expires));
    return true;
  }

  #members(group: Group): void {
    for (const { key, node } of group.members) {
      if (key === undefined) {
        if (node instanceof Text) this.#loneText(node.decoded());
        else this.#group(node);
      } else if (node instanceof Text) {
        if (IS_KNOWN.test(key)) this.findings.named(key, node.decoded());
      } else if (!OTHER.test(key)) {
        if (key === 'log' && node.members.some((one) => one.key === 'entries')) this.findings.hasHar = true;
        this.#group(node);
      }
    }
  }

  /** Reads a string without a key: the address of a request, a header, cookies, or JSON. */
  #loneText(text: string): void {
    if (isWebAddress(text)) {
      if (!this.findings.hasHost) this.findings.setHost(text);
    } else if (this.#textsInTexts < MAX_TEXTS_IN_TEXTS) {
      this.#textsInTexts++;
      if (/^\s*[{[]/.test(text)) this.text(text);
      else if (/[=:]/.test(text)) readLines(text, this.findings);
      this.#textsInTexts--;
    }
  }
}

/** The keys that `Findings.named` knows; others are not decoded, because a HAR file has many long ones. */
const IS_KNOWN = /^(?:cookies?|user_?agent|x_?bc|user_id|host|:authority|ur[li]|request_url|sess|auth_.*)$/;

/** Returns the address of a request object, or of a call with an address as its first argument. */
function addressOf(group: Group): string | undefined {
  const [argument] = group.call ? group.leadingTexts() : [];
  const address = argument ?? group.text('url', 'uri', 'request_url', 'domain');
  return address !== undefined && (isWebAddress(address) || address.startsWith('.')) ? address : undefined;
}
