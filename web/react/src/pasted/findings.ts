/**
 * What a reader finds in a pasted text: the parts of a session, by the request or export that they come from, and why
 * parts are missing.
 */
import {
  cleaned,
  cookiePairs,
  hostOf,
  isAbsent,
  isMasked,
  isPlaceholder,
  isPlausible,
  isWebAddress,
  normalName,
  type Part,
} from './value.js';

export const PARTS: readonly Part[] = ['sess', 'auth_id', 'user_agent', 'x_bc', 'auth_uid_'];
const REQUIRED = PARTS.slice(0, 4);

/** Why a text lacks parts of a session. */
export type Cause =
  | { kind: 'nothing' | 'expired' | 'har' | 'fetch' | 'cookiesOnly' }
  | { kind: 'wrongSite'; host: string }
  | { kind: 'masked'; parts: readonly Part[] };

/** The parts of a session that a text contains. */
export interface Reading {
  /** By the name of the field. */
  values: Partial<Record<Part, string>>;
  /** Why parts are missing, if the text shows it. */
  cause?: Cause;
}

/** A value, and how much it is to be trusted if there are several: by its name, then by the end of its life. */
interface Candidate {
  value: string;
  isNamed: boolean;
  expires: number;
}

/** The parts of one request, or of one export. */
interface Source {
  /** Whether the source belongs to the site; undefined if it does not say. */
  isOfSite?: boolean;
  parts: Map<Part, Candidate>;
}

/** Returns the required parts that were not found. */
export const missingParts = ({ values }: Reading): Part[] => REQUIRED.filter((part) => !values[part]);

/** Returns the number of required parts whose values can be valid. */
export function plausibleCount({ values }: Reading): number {
  return REQUIRED.filter((part) => values[part] && isPlausible(part, values[part])).length;
}

/** Collects the parts that a reader finds. */
export class Findings {
  /** Whether the text contains a request by `fetch`. */
  hasFetch = false;
  /** Whether the text contains a HAR file. */
  hasHar = false;
  #current: Source = { parts: new Map() };
  readonly #sources = [this.#current];
  readonly #masked = new Set<Part>();
  readonly #expired = new Set<Part>();
  /** The first host that is not of the site. */
  #otherHost: string | undefined;
  #hasSite = false;

  /** `domains` are those of the site; `now` is in Unix seconds. */
  constructor(
    readonly domains: readonly string[],
    readonly now: number,
  ) {}

  /** Begins another request or export. */
  beginSource(): void {
    this.#current = { parts: new Map() };
    this.#sources.push(this.#current);
  }

  /** Notes the URL or host to which the current source belongs. Behind the parts of a source with a host, it begins another one. */
  setHost(address: string): void {
    const host = hostOf(address);
    const isOfSite = host === undefined || isPlaceholder(host) ? undefined : this.#checkHost(address);
    if (isOfSite === undefined) return;
    if (this.hasHost && this.#current.parts.size > 0) this.beginSource();
    this.#current.isOfSite = isOfSite;
  }

  get hasHost(): boolean {
    return this.#current.isOfSite !== undefined;
  }

  /** Reads one `name: value` of headers, cookies, settings or JSON. Returns whether the name is known. */
  named(name: string, text: string): boolean {
    const normal = normalName(name);
    if (normal === 'cookie' || normal === 'cookies') this.cookies(text);
    else if (normal === 'user_agent' || normal === 'useragent') this.#add('user_agent', text);
    else if (normal === 'x_bc' || normal === 'xbc') this.#add('x_bc', text);
    else if (normal === 'user_id') {
      // The cookie has precedence.
      if (/^\d*[1-9]\d*$/.test(text.trim())) this.#add('auth_id', text, { isNamed: false });
    } else if (normal === 'host' || normal === ':authority') {
      if (!this.hasHost) this.setHost(text);
    } else if (/^(?:url|uri|request_url)$/.test(normal) && isWebAddress(text)) this.setHost(text);
    else {
      const part = cookiePart(normal);
      if (part) this.#add(part, text);
      return part !== undefined;
    }
    return true;
  }

  /** Reads a cookie of an export, with its domain and the end of its life in Unix seconds. */
  exported(name: string, text: string, domain?: string, expires?: number): void {
    const part = cookiePart(normalName(name));
    if (!part && domain === undefined) this.named(name, text);
    const isOfSite = domain === undefined ? undefined : this.#checkHost(domain);
    if (!part || isOfSite === false) return;
    const end = expires && expires > 0 ? expires : 0;
    if (end > 0 && end <= this.now) this.#expired.add(part);
    else this.#add(part, text, { expires: end });
  }

  /** Reads the pairs of a `Cookie` header. */
  cookies(text: string): void {
    for (const [name, value] of cookiePairs(text)) {
      const part = cookiePart(normalName(name));
      if (part) this.#add(part, value);
    }
  }

  #checkHost(address: string): boolean | undefined {
    const host = hostOf(address);
    if (host === undefined) return undefined;
    const isWithin = (domain: string) => host === domain || host.endsWith(`.${domain}`);
    const isOfSite = this.domains.length === 0 || this.domains.some(isWithin);
    if (isOfSite) this.#hasSite = true;
    else this.#otherHost ??= host;
    return isOfSite;
  }

  #add(part: Part, text: string, { isNamed = true, expires = 0 } = {}): void {
    const value = cleaned(part, text);
    if (isMasked(text) || isMasked(value)) return void this.#masked.add(part);
    if (isAbsent(value)) return;
    const held = this.#current.parts.get(part);
    const isBetter = !held || (isNamed === held.isNamed ? expires >= held.expires : isNamed && !held.isNamed);
    if (isBetter) this.#current.parts.set(part, { value, isNamed, expires });
  }

  /**
   * Combines the sources of the site. The source with the most parts, and of these the last, is completed from the others,
   * unless they are of another account.
   */
  finish(): Reading {
    const count = ({ parts }: Source) => REQUIRED.filter((part) => parts.has(part)).length;
    const [best, ...others] = this.#sources
      .map((source, index) => ({ ...source, count: count(source), index }))
      .filter(({ isOfSite, parts }) => isOfSite !== false && parts.size > 0)
      .sort((a, b) => b.count - a.count || b.index - a.index);
    const found = best?.parts ?? new Map<Part, Candidate>();
    for (const { parts } of others) {
      const [own, other] = [found.get('auth_id')?.value, parts.get('auth_id')?.value];
      if (own && other && own !== other) continue;
      for (const [part, candidate] of parts) if (!found.has(part)) found.set(part, candidate);
    }
    const values: Reading['values'] = {};
    for (const part of PARTS) {
      const candidate = found.get(part);
      if (candidate) values[part] = candidate.value;
    }
    const cause = this.#cause({ values });
    return cause ? { values, cause } : { values };
  }

  /** Returns why a required part is missing, if the text shows it. */
  #cause(reading: Reading): Cause | undefined {
    const missing = missingParts(reading);
    const masked = missing.filter((part) => this.#masked.has(part));
    const lacksSession = missing.includes('sess');
    if (missing.length === 0) return undefined;
    if (lacksSession && this.#otherHost !== undefined && !this.#hasSite)
      return { kind: 'wrongSite', host: this.#otherHost };
    if (masked.length > 0) return { kind: 'masked', parts: masked };
    if (missing.some((part) => this.#expired.has(part))) return { kind: 'expired' };
    if (lacksSession && this.hasHar) return { kind: 'har' };
    if (lacksSession && this.hasFetch) return { kind: 'fetch' };
    if (missing.length === REQUIRED.length) return { kind: 'nothing' };
    return missing.join() === 'user_agent,x_bc' ? { kind: 'cookiesOnly' } : undefined;
  }
}

/** Returns the part that a cookie with this normalized name holds. */
function cookiePart(name: string): Part | undefined {
  if (name === 'sess') return 'sess';
  if (name === 'auth_id' || name === 'auth_id_') return 'auth_id';
  return name.startsWith('auth_uid_') ? 'auth_uid_' : undefined;
}
