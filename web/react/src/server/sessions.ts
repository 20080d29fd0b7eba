import { createSession, type ServerOptions, type Session, type User, userHeader } from './session.js';
import { EvergrantError } from '../client/error.js';

/** Renewed so long before its end, in milliseconds: a call that is under way should still find it good. */
const MARGIN_MS = 60_000;
/** So many users' tokens are kept. */
const MOST = 1000;

/** Session tokens of users, one for each, kept in memory until shortly before their end. */
export function createSessions(options: ServerOptions) {
  const held = new Map<string, Promise<Session>>();

  async function of(user: User): Promise<string> {
    const key = userHeader(user);
    const asked = held.get(key);
    const known = await asked;
    if (known && Date.parse(known.expiresAt) - Date.now() > MARGIN_MS) return known.token;
    // Whoever waited beside this call may have renewed it meanwhile.
    return held.get(key) === asked ? (await renew(key, user)).token : of(user);
  }

  function renew(key: string, user: User): Promise<Session> {
    const asked = createSession({ ...options, ...user }).catch((thrown) => {
      if (held.get(key) === asked) held.delete(key);
      throw asServerFault(thrown);
    });
    held.delete(key);
    held.set(key, asked);
    for (const oldest of held.keys()) {
      if (held.size <= MOST) break;
      held.delete(oldest);
    }
    return asked;
  }

  return {
    of,
    /** Another one, where this one was refused. */
    async renewed(user: User, refused: string): Promise<string> {
      const key = userHeader(user);
      const known = await held.get(key);
      return known && known.token !== refused ? known.token : (await renew(key, user)).token;
    },
  };
}

/** That the app's own key is refused is no fault of whoever is signed in. */
function asServerFault(thrown: unknown): unknown {
  if (!(thrown instanceof EvergrantError) || (thrown.status !== 401 && thrown.status !== 403)) return thrown;
  return new EvergrantError('INTERNAL_ERROR', 'Evergrant refuses the API key', {
    status: 500,
    retryable: true,
    cause: thrown,
  });
}
