/** Requests from your server to Evergrant with its API key. Not for browsers. */
import { errorOf } from '../client/error.js';

/** A user by Evergrant's id. */
export interface UserById {
  /** The user's id in Evergrant. */
  userId: number;
}

/** A user by your own id. Evergrant creates the user with the first session. */
export interface UserByExternalId {
  /** The user's id in your app. */
  externalId: string;
}

/** The user that a request is for. */
export type User = UserById | UserByExternalId;

/** How to reach Evergrant. */
export interface ServerOptions {
  /** The origin of Evergrant, such as `https://vault.example.com`. */
  url: string;
  /** The API key, which starts with `evg_`. */
  apiKey: string;
  /**
   * The function that sends requests.
   *
   * @default the global `fetch`
   */
  fetch?: typeof fetch;
}

/** A session for the user's browser. */
export interface Session {
  /** The token. It can read and change that user's connections, but not read platform tokens. */
  token: string;
  /** When the token expires (RFC 3339). */
  expiresAt: string;
}

interface SessionLifetime {
  /**
   * How long the token is valid, in seconds; at most 900.
   *
   * @default 900
   */
  ttlSeconds?: number;
}

/** The options of `createSession`. */
export type SessionOptions = ServerOptions & User & SessionLifetime;

/**
 * Creates a session token for the user's browser, to be returned by a token route of your app.
 *
 * @throws EvergrantError with the server's code, such as `UNAUTHENTICATED` if the API key is not valid.
 */
export async function createSession(options: SessionOptions): Promise<Session> {
  const { ttlSeconds } = options;
  const user = 'userId' in options ? { userId: options.userId } : { externalId: options.externalId };
  const response = await request(options, '/api/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...user, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }),
  });
  return (await response.json()) as Session;
}

/**
 * Sends a request with the API key.
 *
 * @throws EvergrantError with the server's code for unsuccessful responses.
 */
export async function request(
  options: ServerOptions,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const call = options.fetch ?? fetch;
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${options.apiKey}`);
  const response = await call(options.url.replace(/\/$/, '') + path, { ...init, headers, cache: 'no-store' });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Returns the value of the `Evergrant-User` header. */
export function userHeader(user: User): string {
  return 'userId' in user ? String(user.userId) : `ext:${encodeURIComponent(user.externalId)}`;
}
