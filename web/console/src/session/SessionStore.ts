/**
 * The session as the page knows it. Kept outside React so that it can be requested before React
 * loads.
 */
import { csrfHeader, endSession, readSession, type Session, switchUser } from './session.js';

/** The state of the session in this page. */
export type SessionState =
  | { status: 'loading' }
  | { status: 'signed-in'; session: Session }
  /**
   * `hadSession`: this page had a session before.
   * `dev`: that session was one of `evergrant dev`, where opening the console signs in a user.
   * `returnUrl`: where that session leads back to; null if nowhere.
   */
  | { status: 'signed-out'; hadSession: boolean; dev: boolean; returnUrl: string | null }
  /** The server could not be reached or responded with an error. */
  | { status: 'unavailable' };

/**
 * All tabs share the session cookie. A tab that changes it notifies the others; each then reads the
 * session from the server.
 */
const CHANNEL = 'evergrant-console';

/** Loads, switches and ends the session, and notifies subscribers and other tabs of changes. */
export class SessionStore {
  #state: SessionState = { status: 'loading' };
  /** Incremented by each load and each change of state, so that overtaken responses are dropped. */
  #revision = 0;
  readonly #listeners = new Set<() => void>();
  readonly #channel = new BroadcastChannel(CHANNEL);

  constructor() {
    this.#channel.onmessage = () => void this.load();
    // A page restored from the back/forward cache may show a session that has ended since.
    window.addEventListener('pageshow', ({ persisted }) => persisted && void this.load());
  }

  /** Returns the current state. The reference changes only when the state changes. */
  readonly get = (): SessionState => this.#state;

  /** Calls `listener` after each change of state. Returns a function that unsubscribes it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads the session from the server. During an outage, a session that is shown stays. */
  async load(): Promise<void> {
    const revision = ++this.#revision;
    const session = await readSession().catch(() => undefined);
    if (revision !== this.#revision) return;
    if (session !== undefined) this.#set(session ? { status: 'signed-in', session } : this.#signedOut());
    else if (this.#state.status !== 'signed-in') this.#set({ status: 'unavailable' });
  }

  /** Returns to the loading state and reads the session again. */
  retry(): void {
    this.#set({ status: 'loading' });
    void this.load();
  }

  /** Signs in as another user. `evergrant dev` only. Rejects if the server refuses. */
  async switchUser(userId: number): Promise<void> {
    const session = await switchUser(userId, this.#csrfToken());
    this.#set({ status: 'signed-in', session });
    this.#channel.postMessage('changed');
  }

  /** Signs out. Rejects if the server refuses. */
  async signOut(): Promise<void> {
    await endSession(this.#csrfToken());
    this.#set(this.#signedOut());
    this.#channel.postMessage('changed');
  }

  /** Returns the headers to send with API calls. */
  readonly headers = (): Record<string, string> => csrfHeader(this.#csrfToken());

  #csrfToken(): string {
    return this.#state.status === 'signed-in' ? this.#state.session.csrfToken : '';
  }

  #signedOut(): SessionState {
    const previous = this.#state;
    if (previous.status === 'signed-out') return previous;
    const session = previous.status === 'signed-in' ? previous.session : null;
    const { dev = false, returnUrl = null } = session ?? {};
    return { status: 'signed-out', hadSession: session !== null, dev, returnUrl };
  }

  #set(state: SessionState): void {
    this.#revision++;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
