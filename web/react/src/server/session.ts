/** Calls of your server to Evergrant, with its API key. None of this belongs in a browser. */
import { errorOf } from '../client/error.js';

/** Whom a call is for: Evergrant's number of the user, or your own id of them. */
export type User = { userId: number } | { externalId: string };

export interface ServerOptions {
  /** Where Evergrant is, such as `https://vault.example.com`. */
  url: string;
  /** `evg_…`. */
  apiKey: string;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Session {
  /** For the user's browser: sees and changes that user's connections, and reads no platform token. */
  token: string;
  /** RFC 3339. */
  expiresAt: string;
}

export type SessionOptions = ServerOptions &
  User & {
    /** How long the token is good, in seconds: up to 900, which is the default. */
    ttlSeconds?: number;
  };

/** A token for the user's browser: what a token route of yours answers. */
export async function createSession(options: SessionOptions): Promise<Session> {
  const { ttlSeconds } = options;
  const user = 'userId' in options ? { userId: options.userId } : { externalId: options.externalId };
  const response = await ask(options, '/api/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...user, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }),
  });
  return (await response.json()) as Session;
}

/** One call with the API key; whatever is refused is thrown. */
export async function ask(options: ServerOptions, path: string, init: RequestInit = {}): Promise<Response> {
  const call = options.fetch ?? fetch;
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${options.apiKey}`);
  const response = await call(options.url.replace(/\/$/, '') + path, { ...init, headers, cache: 'no-store' });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The value of `Evergrant-User`. */
export function userHeader(user: User): string {
  return 'userId' in user ? String(user.userId) : `ext:${encodeURIComponent(user.externalId)}`;
}
