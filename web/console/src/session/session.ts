/** Who is signed in to the console, as `/console/session` says it. */

export interface Person {
  id: number;
  name: string | null;
}

export interface Session {
  user: Person & { email: string | null };
  /** Goes with every call that changes something, as `X-CSRF-Token`. */
  csrfToken: string;
  /** RFC 3339. */
  expiresAt: string;
  /** Of the program. */
  version: string;
  /** Whether this is `evergrant dev`. */
  dev?: boolean;
  /** Whom one may be; in `dev` alone. */
  people?: readonly Person[];
}

const PATH = '/console/session';

/** Null where nobody is signed in; rejects where the server does not say. */
export async function readSession(): Promise<Session | null> {
  const response = await fetch(PATH);
  return response.status === 401 ? null : answer(response);
}

export async function becomePerson(userId: number, csrfToken: string): Promise<Session> {
  const headers = { ...csrfHeader(csrfToken), 'content-type': 'application/json' };
  return answer(await fetch(PATH, { method: 'POST', headers, body: JSON.stringify({ userId }) }));
}

export async function endSession(csrfToken: string): Promise<void> {
  const response = await fetch(PATH, { method: 'DELETE', headers: csrfHeader(csrfToken) });
  // Whoever is signed out already wanted nothing else.
  if (!response.ok && response.status !== 401) throw new Error(`HTTP ${response.status}`);
}

export const csrfHeader = (csrfToken: string) => ({ 'X-CSRF-Token': csrfToken });

async function answer(response: Response): Promise<Session> {
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()) as Session;
}
