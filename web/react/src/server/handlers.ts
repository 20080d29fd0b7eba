/**
 * A proxy on your app's own origin: no CORS, and no credential in the browser except your own session. Requests carry a
 * session token of the user and not the API key, so that the proxy grants no more than the user's own permissions.
 */
import { EvergrantError } from '../client/error.js';
import { createSessions } from './sessions.js';
import type { ServerOptions, User } from './session.js';

/** The options of `createHandlers`. */
export interface HandlersOptions extends ServerOptions {
  /** Returns the user who is signed in to your app; null if no user is. */
  user: (request: Request) => User | null | Promise<User | null>;
  /**
   * The path at which the handlers are mounted.
   *
   * @default '/api/integrations'
   */
  basePath?: string;
  /**
   * The origins of your app, such as `https://app.example.com`. Set it behind a reverse proxy that changes the origin in
   * `request.url`.
   *
   * @default the origin of `request.url`
   */
  origins?: readonly string[];
}

/** A route handler: takes a `Request` and returns a `Response`. Never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** The routes that are forwarded. Others are not; in particular, none that returns a platform's token. */
const ROUTES: readonly RegExp[] = [
  /^GET (?:status|providers|events|flows\/[^/]+)$/,
  /^POST (?:connect\/[^/]+|flows\/[^/]+\/(?:accounts|finish|credentials)|refresh\/[^/]+\/[^/]+)$/,
  /^DELETE disconnect\/[^/]+\/[^/]+$/,
];
const REQUEST_HEADERS = ['accept', 'content-type', 'if-none-match', 'last-event-id', 'x-request-id'];
const RESPONSE_HEADERS = ['content-type', 'cache-control', 'etag', 'retry-after', 'x-request-id'];
/** The longest request body, in UTF-16 code units. The server limits bodies to 64 KiB. */
const MAX_BODY_LENGTH = 64 * 1024;

/** The handlers of the proxy, one per method; all three are the same function. */
export interface Handlers {
  /** Handles `GET` requests. */
  GET: Handler;
  /** Handles `POST` requests. */
  POST: Handler;
  /** Handles `DELETE` requests. */
  DELETE: Handler;
}

/**
 * Creates the handlers of the proxy, for a catch-all route of Next.js or any server based on `Request` and `Response`.
 * They refuse requests from other origins, and respond to failures with a problem document (RFC 9457).
 */
export function createHandlers(options: HandlersOptions): Handlers {
  const sessions = createSessions(options);
  const handle: Handler = async (request) => {
    try {
      const route = routeOf(request, options);
      const user = await options.user(request);
      if (!user) throw httpError('UNAUTHENTICATED', 401);
      const send = await forwarder(request, route, options);
      const token = await sessions.tokenFor(user);
      let response = await send(token);
      if (response.status === 401) response = await send(await sessions.replace(user, token));
      return toBrowser(response);
    } catch (thrown) {
      return problem(thrown);
    }
  };
  return { GET: handle, POST: handle, DELETE: handle };
}

/**
 * Returns the path below the mount point, with the query. A parsed URL contains no `..`.
 *
 * @throws EvergrantError `NOT_FOUND` for other routes, `FORBIDDEN` for requests from other origins.
 */
function routeOf(request: Request, { basePath = '/api/integrations', origins }: HandlersOptions): string {
  const { pathname, search, origin } = new URL(request.url);
  const base = `${basePath.replace(/\/$/, '')}/`;
  const path = pathname.startsWith(base) ? pathname.slice(base.length) : '';
  if (!ROUTES.some((route) => route.test(`${request.method} ${path}`))) throw httpError('NOT_FOUND', 404);
  if (request.method !== 'GET' && !isSameOrigin(request, origins ?? [origin]))
    throw httpError('FORBIDDEN', 403);
  return path + search;
}

/**
 * Whether the request comes from the app itself. A page of another site can submit a form, but it cannot hide its origin,
 * and it cannot send JSON without a CORS preflight.
 */
function isSameOrigin(request: Request, origins: readonly string[]): boolean {
  const site = request.headers.get('sec-fetch-site');
  const from = request.headers.get('origin');
  const type = request.headers.get('content-type');
  if (type !== null && !/^application\/json\b/i.test(type)) return false;
  return from === null ? site === 'same-origin' : origins.includes(from);
}

/** Returns the function that forwards the request with a session token; it may be called twice. */
async function forwarder(request: Request, route: string, options: HandlersOptions) {
  const body = request.method === 'POST' ? await request.text() : '';
  if (body.length > MAX_BODY_LENGTH) throw httpError('PAYLOAD_TOO_LARGE', 413);
  const call = options.fetch ?? fetch;
  return (token: string) => {
    const headers = picked(request.headers, REQUEST_HEADERS);
    headers.set('authorization', `Bearer ${token}`);
    return call(`${options.url.replace(/\/$/, '')}/api/integrations/${route}`, {
      method: request.method,
      headers,
      signal: request.signal,
      cache: 'no-store',
      redirect: 'manual',
      ...(body ? { body } : {}),
    });
  };
}

/** Copies the response with the headers that the browser needs. */
function toBrowser(response: Response): Response {
  const headers = picked(response.headers, RESPONSE_HEADERS);
  const body = response.status === 304 ? null : response.body;
  return new Response(body, { status: response.status, headers });
}

function picked(headers: Headers, names: readonly string[]): Headers {
  const found = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) found.set(name, value);
  }
  return found;
}

function httpError(code: EvergrantError['code'], status: number): EvergrantError {
  return new EvergrantError(code, code, { status });
}

/** Converts a failure to the problem document that the server would send. */
function problem(thrown: unknown): Response {
  const error =
    thrown instanceof EvergrantError
      ? thrown
      : new EvergrantError('OVERLOADED', 'Evergrant did not respond', { retryable: true, cause: thrown });
  const { code, status = 503, retryable, correlationId, retryAfter } = error;
  const document = {
    type: `/errors#${code}`,
    title: code,
    status,
    code,
    retryable,
    correlationId,
    retryAfterSeconds: retryAfter,
  };
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter));
  return Response.json(document, { status, headers });
}
