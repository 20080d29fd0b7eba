/**
 * A proxy on your app's own origin: no CORS, and no credential in the browser but your own session. It acts with a
 * session token of the user, not with the API key, so a browser can do through it what it may do anyway, and no more.
 */
import { asError, EvergrantError } from '../client/error.js';
import { createSessions } from './sessions.js';
import type { ServerOptions, User } from './session.js';

export interface HandlersOptions extends ServerOptions {
  /** Who is signed in to your app; null for nobody. */
  user: (request: Request) => User | null | Promise<User | null>;
  /** Where the handlers are mounted; `/api/integrations`. */
  basePath?: string;
  /** Origins of your app, where a proxy before it hides the one in `request.url`. */
  origins?: readonly string[];
}

export type Handler = (request: Request) => Promise<Response>;

/** The routes that a browser needs, and no other: above all, none that answers a platform's token. */
const ROUTES: readonly RegExp[] = [
  /^GET (?:status|providers|events|flows\/[^/]+)$/,
  /^POST (?:connect\/[^/]+|flows\/[^/]+\/(?:finish|credentials)|refresh\/[^/]+\/[^/]+)$/,
  /^DELETE disconnect\/[^/]+\/[^/]+$/,
];
const REQUEST_HEADERS = ['accept', 'content-type', 'if-none-match', 'last-event-id', 'x-request-id'];
const RESPONSE_HEADERS = ['content-type', 'cache-control', 'etag', 'retry-after', 'x-request-id'];
const LONGEST_BODY = 64 * 1024;

/** For a catch-all route of Next.js, or any server of `Request` and `Response`. */
export function createHandlers(options: HandlersOptions): { GET: Handler; POST: Handler; DELETE: Handler } {
  const sessions = createSessions(options);
  const handle: Handler = async (request) => {
    try {
      const route = routeOf(request, options);
      const user = await options.user(request);
      if (!user) throw refusal('UNAUTHENTICATED', 401);
      const send = await forwarder(request, route, options);
      const held = await sessions.of(user);
      let response = await send(held);
      if (response.status === 401) response = await send(await sessions.renewed(user, held));
      return shown(response);
    } catch (thrown) {
      return problem(thrown);
    }
  };
  return { GET: handle, POST: handle, DELETE: handle };
}

/** The path below the mount (a parsed address has no `..`), where it is one of ours and was asked for by a page of ours. */
function routeOf(request: Request, { basePath = '/api/integrations', origins }: HandlersOptions): string {
  const { pathname, search, origin } = new URL(request.url);
  const base = `${basePath.replace(/\/$/, '')}/`;
  const path = pathname.startsWith(base) ? pathname.slice(base.length) : '';
  if (!ROUTES.some((route) => route.test(`${request.method} ${path}`))) throw refusal('NOT_FOUND', 404);
  if (request.method !== 'GET' && !isOwn(request, origins ?? [origin])) throw refusal('FORBIDDEN', 403);
  return path + search;
}

/** A page of another site can send a form, but neither hide its origin nor send JSON without asking. */
function isOwn(request: Request, origins: readonly string[]): boolean {
  const site = request.headers.get('sec-fetch-site');
  const from = request.headers.get('origin');
  const type = request.headers.get('content-type');
  if (type !== null && !/^application\/json\b/i.test(type)) return false;
  return from === null ? site === 'same-origin' : origins.includes(from);
}

async function forwarder(request: Request, route: string, options: HandlersOptions) {
  const body = request.method === 'POST' ? await request.text() : '';
  if (body.length > LONGEST_BODY) throw refusal('PAYLOAD_TOO_LARGE', 413);
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

function shown(response: Response): Response {
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

function refusal(code: EvergrantError['code'], status: number): EvergrantError {
  return new EvergrantError(code, code, { status });
}

/** What went wrong on the way, as the server would tell it; a fault of the API key's is not the user's. */
function problem(thrown: unknown): Response {
  const known = thrown instanceof EvergrantError && thrown.status !== undefined ? thrown : null;
  const { code, status = 502, retryable, correlationId, retryAfter } = known ?? asError(thrown);
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
