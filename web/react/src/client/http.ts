/** Authenticated requests: with a bearer token, which is requested again once if it is rejected, or with the page's cookie. */
import { asError, errorOf, EvergrantError } from './error.js';
import { notifyAll } from './store.js';

type Awaitable<T> = T | Promise<T>;

/** Where and how requests are sent. */
export interface HttpOptions {
  /**
   * The public URL of Evergrant, such as `https://vault.example.com` or `https://example.com/grants`.
   *
   * @default the page's own origin
   */
  baseUrl?: string;
  /**
   * Returns a session token that your server has obtained with `POST /api/sessions`, or null if no user is signed in. It
   * is called once, and again whenever the token is rejected. Without it, requests carry the page's cookies.
   */
  getToken?: () => Awaitable<string | null>;
  /** Returns additional headers for every request, such as a CSRF token. */
  headers?: () => Awaitable<Record<string, string>>;
  /**
   * The function that sends requests.
   *
   * @default the global `fetch`
   */
  fetch?: typeof fetch;
  /** Called when a request fails with `UNAUTHENTICATED`: no token, or a new one that is rejected as well. */
  onUnauthorized?: () => void;
}

/** A request. */
export interface Request {
  /**
   * The method.
   *
   * @default 'GET'
   */
  method?: 'GET' | 'POST' | 'DELETE';
  /** The body, which is sent as JSON. */
  body?: unknown;
  /** Additional headers. */
  headers?: Record<string, string>;
  /** Aborts the request. */
  signal?: AbortSignal;
  /** Whether the response is a stream, so that the timeout covers only its head. */
  isStream?: boolean;
  /**
   * The timeout for the whole response, in milliseconds.
   *
   * @default 30_000
   */
  timeoutMs?: number;
}

/**
 * Sends a request to a path below `/api/integrations`.
 *
 * @throws EvergrantError with the server's code for unsuccessful responses, `BROWSER_OFFLINE` if no response was received
 * before the timeout, `UNAUTHENTICATED` if there is no token.
 */
export type Send = (path: string, request?: Request) => Promise<Response>;

const TIMEOUT_MS = 30_000;

/** Creates the function that sends requests. */
export function createSend(options: HttpOptions): Send {
  const credential = createCredential(options.getToken);
  const call = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init));
  const base = `${(options.baseUrl ?? '').replace(/\/$/, '')}/api/integrations/`;

  async function sendOnce(path: string, request: Request): Promise<Response> {
    const headers = new Headers({ ...(await options.headers?.()), ...request.headers });
    const token = await credential.get();
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    if (request.body !== undefined) headers.set('content-type', 'application/json');
    const response = await withTimeout(request, (signal) =>
      call(base + path, {
        method: request.method ?? 'GET',
        headers,
        signal,
        credentials: options.getToken ? 'omit' : 'same-origin',
        // `undefined` stays undefined: no body.
        body: JSON.stringify(request.body),
      }),
    );
    if (response.status === 401) credential.invalidate(token);
    return response;
  }

  return async function send(path, request = {}) {
    try {
      let response = await sendOnce(path, request);
      if (response.status === 401 && options.getToken) response = await sendOnce(path, request);
      if (response.ok || response.status === 304) return response;
      throw await errorOf(response);
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'UNAUTHENTICATED' && options.onUnauthorized) notifyAll([options.onUnauthorized]);
      throw error;
    }
  };
}

/** Caches the token for all requests. Requests that are rejected at the same time share one call of `getToken`. */
function createCredential(getToken: HttpOptions['getToken']) {
  let pending: Promise<string | null> | undefined;
  let current: string | undefined;
  return {
    async get(): Promise<string | undefined> {
      if (!getToken) return undefined;
      const request = (pending ??= Promise.resolve().then(getToken));
      try {
        current = (await request) ?? undefined;
      } catch (thrown) {
        if (pending === request) pending = undefined;
        throw thrown;
      }
      if (current !== undefined) return current;
      pending = undefined;
      throw new EvergrantError('UNAUTHENTICATED', 'No user is signed in');
    },
    /** Forgets a rejected token, unless another one has replaced it. */
    invalidate(token: string | undefined) {
      if (token !== current) return;
      pending = current = undefined;
    },
  };
}

/** Runs `call` with the request's timeout, which includes the body unless the response is a stream. */
async function withTimeout(
  request: Request,
  call: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), request.timeoutMs ?? TIMEOUT_MS);
  try {
    const { signal } = timeout;
    const response = await call(request.signal ? AbortSignal.any([request.signal, signal]) : signal);
    return request.isStream ? response : new Response((await response.text()) || null, response);
  } catch (thrown) {
    if (!timeout.signal.aborted) throw thrown;
    throw new EvergrantError('BROWSER_OFFLINE', 'The request timed out', { retryable: true, cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}
