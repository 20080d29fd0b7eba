import { createSession, type ServerOptions, type Session, type User, userHeader } from './session.js';
import { EvergrantError } from '../client/error.js';

/** How long before its expiry a token is replaced, in milliseconds, so that it is still valid when a request arrives. */
const MARGIN_MS = 60_000;
/** The number of users whose tokens are cached; the oldest entries are dropped first. */
const MAX_USERS = 1000;

/** Creates the cache of session tokens: one per user, in memory, until shortly before its expiry. */
export function createSessions(options: ServerOptions) {
  const cache = new Map<string, Promise<Session>>();

  async function tokenFor(user: User): Promise<string> {
    const key = userHeader(user);
    const entry = cache.get(key);
    const session = await entry;
    if (session && Date.parse(session.expiresAt) - Date.now() > MARGIN_MS) return session.token;
    // A concurrent call may have replaced the entry in the meantime.
    return cache.get(key) === entry ? (await create(key, user)).token : tokenFor(user);
  }

  function create(key: string, user: User): Promise<Session> {
    const entry = createSession({ ...options, ...user }).catch((thrown) => {
      if (cache.get(key) === entry) cache.delete(key);
      throw asServerError(thrown);
    });
    cache.delete(key);
    cache.set(key, entry);
    for (const oldest of cache.keys()) {
      if (cache.size <= MAX_USERS) break;
      cache.delete(oldest);
    }
    return entry;
  }

  return {
    tokenFor,
    /** Returns a token other than the rejected one. */
    async replace(user: User, rejected: string): Promise<string> {
      const key = userHeader(user);
      const session = await cache.get(key);
      return session && session.token !== rejected ? session.token : (await create(key, user)).token;
    },
  };
}

/** Converts a rejection of the app's API key to an internal error; the signed-in user cannot do anything about it. */
function asServerError(thrown: unknown): unknown {
  if (!(thrown instanceof EvergrantError) || (thrown.status !== 401 && thrown.status !== 403)) return thrown;
  return new EvergrantError('INTERNAL_ERROR', 'Evergrant rejected the API key', {
    status: 500,
    retryable: true,
    cause: thrown,
  });
}
