/** Calls with a credential: a bearer token that is asked for again once when it is refused, or the page's cookie. */
import { asError, errorOf, EvergrantError } from './error.js';
import { tellAll } from './store.js';

type Awaitable<T> = T | Promise<T>;

export interface HttpOptions {
  /** Where Evergrant is, such as `https://vault.example.com`; the page's own origin by default. */
  baseUrl?: string;
  /** A session token from your server (`POST /api/sessions`); null where nobody is signed in. Without it: the cookie. */
  getToken?: () => Awaitable<string | null>;
  /** More headers for every call, such as a CSRF token. */
  headers?: () => Awaitable<Record<string, string>>;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** The user's session has ended: no credential, or a fresh one that is refused too. */
  onUnauthorized?: () => void;
}

export interface Request {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Its body goes on and on, so its head alone is waited for. */
  isStream?: boolean;
  /** How long to wait for the whole answer, in milliseconds. */
  timeoutMs?: number;
}

/** Sends to a path below `/api/integrations`; whatever is refused is thrown as an `EvergrantError`. */
export type Send = (path: string, request?: Request) => Promise<Response>;

const TIMEOUT_MS = 30_000;

export function createSend(options: HttpOptions): Send {
  const credential = createCredential(options.getToken);
  const call = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init));
  const base = `${(options.baseUrl ?? '').replace(/\/$/, '')}/api/integrations/`;

  async function once(path: string, request: Request): Promise<Response> {
    const headers = new Headers({ ...(await options.headers?.()), ...request.headers });
    const token = await credential.get();
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    if (request.body !== undefined) headers.set('content-type', 'application/json');
    const response = await timed(request, (signal) =>
      call(base + path, {
        method: request.method ?? 'GET',
        headers,
        signal,
        credentials: options.getToken ? 'omit' : 'same-origin',
        // Nothing where there is none.
        body: JSON.stringify(request.body),
      }),
    );
    if (response.status === 401) credential.refuse(token);
    return response;
  }

  return async function send(path, request = {}) {
    try {
      let response = await once(path, request);
      if (response.status === 401 && options.getToken) response = await once(path, request);
      if (response.ok || response.status === 304) return response;
      throw await errorOf(response);
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'UNAUTHENTICATED' && options.onUnauthorized) tellAll([options.onUnauthorized]);
      throw error;
    }
  };
}

/** One token for all calls. Calls that are refused together ask for the next one together. */
function createCredential(getToken: HttpOptions['getToken']) {
  let held: Promise<string | null> | undefined;
  let known: string | undefined;
  return {
    async get(): Promise<string | undefined> {
      if (!getToken) return undefined;
      const asked = (held ??= Promise.resolve().then(getToken));
      try {
        known = (await asked) ?? undefined;
      } catch (thrown) {
        if (held === asked) held = undefined;
        throw thrown;
      }
      if (known !== undefined) return known;
      held = undefined;
      throw new EvergrantError('UNAUTHENTICATED', 'Nobody is signed in');
    },
    refuse(token: string | undefined) {
      if (token !== known) return;
      held = known = undefined;
    },
  };
}

/** The answer with all of its body, in time; of a stream its head. */
async function timed(request: Request, call: (signal: AbortSignal) => Promise<Response>): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), request.timeoutMs ?? TIMEOUT_MS);
  try {
    const { signal } = late;
    const response = await call(request.signal ? AbortSignal.any([request.signal, signal]) : signal);
    return request.isStream ? response : new Response((await response.text()) || null, response);
  } catch (thrown) {
    if (!late.signal.aborted) throw thrown;
    throw new EvergrantError('TIMEOUT_ERROR', 'No answer in time', { retryable: true, cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}
