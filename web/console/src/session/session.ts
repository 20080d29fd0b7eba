/** Client of the console's session route, `/console/session`. */
import { BASE } from '../base.js';

/** A user of the host app. */
export interface User {
  id: number;
  /** Null if the app did not supply one. */
  name: string | null;
}

/** The session of the signed-in user. */
export interface Session {
  user: User & { email: string | null };
  /** Sent as `X-CSRF-Token` with every request that changes state. */
  csrfToken: string;
  /** When the session expires, as an RFC 3339 timestamp. */
  expiresAt: string;
  /** URL of the app's page to which the user can go back; null if the app named none. */
  returnUrl?: string | null;
  /** Version of the Evergrant server. */
  version: string;
  /** Whether the server runs as `evergrant dev`. @default false */
  dev?: boolean;
  /** Users to switch to. Present for `evergrant dev` only. */
  people?: readonly User[];
}

const PATH = `${BASE}/console/session`;

/**
 * Returns the current session, or null if the browser has none. Rejects if the request fails or the
 * response is an error other than 401.
 */
export async function readSession(): Promise<Session | null> {
  const response = await fetch(PATH);
  return response.status === 401 ? null : parse(response);
}

/**
 * Replaces the session with one for another user. `evergrant dev` only. Rejects on any error
 * status.
 */
export async function switchUser(userId: number, csrfToken: string): Promise<Session> {
  const headers = { ...csrfHeader(csrfToken), 'content-type': 'application/json' };
  return parse(await fetch(PATH, { method: 'POST', headers, body: JSON.stringify({ userId }) }));
}

/** Ends the session. Succeeds if it has ended already; rejects on any other error status. */
export async function endSession(csrfToken: string): Promise<void> {
  const response = await fetch(PATH, { method: 'DELETE', headers: csrfHeader(csrfToken) });
  // 401: the session has ended already.
  if (!response.ok && response.status !== 401) throw new Error(`HTTP ${response.status}`);
}

/** Returns the header that carries the CSRF token. */
export const csrfHeader = (csrfToken: string) => ({ 'X-CSRF-Token': csrfToken });

async function parse(response: Response): Promise<Session> {
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()) as Session;
}
