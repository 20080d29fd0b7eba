/** The session as the page knows it, outside of React, so that it is asked for before React is there. */
import { becomePerson, csrfHeader, endSession, readSession, type Session } from './session.js';

export type SessionState =
  | { status: 'loading' }
  | { status: 'open'; session: Session }
  /** `ended`: there was one before; `dev`: of `evergrant dev`, which signs in whoever opens the page. */
  | { status: 'closed'; ended: boolean; dev: boolean }
  /** The server does not say. */
  | { status: 'failed' };

/** A cookie is shared by all tabs: whoever changes it tells the others, with no word about what it is now. */
const CHANNEL = 'evergrant-console';

export class SessionStore {
  #state: SessionState = { status: 'loading' };
  /** Counts questions and answers: what was asked before the last of them is out of date. */
  #turn = 0;
  readonly #listeners = new Set<() => void>();
  readonly #channel = new BroadcastChannel(CHANNEL);

  constructor() {
    this.#channel.onmessage = () => void this.load();
    // What the back/forward cache brings back may be of a session that has ended since.
    window.addEventListener('pageshow', ({ persisted }) => persisted && void this.load());
  }

  readonly get = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks the server who this is. An outage leaves what is known as it is. */
  async load(): Promise<void> {
    const turn = ++this.#turn;
    const session = await readSession().catch(() => undefined);
    if (turn !== this.#turn) return;
    if (session !== undefined) this.#set(session ? { status: 'open', session } : this.#closed());
    else if (this.#state.status !== 'open') this.#set({ status: 'failed' });
  }

  retry(): void {
    this.#set({ status: 'loading' });
    void this.load();
  }

  /** Rejects where the server refuses. */
  async become(userId: number): Promise<void> {
    const session = await becomePerson(userId, this.#csrfToken());
    this.#set({ status: 'open', session });
    this.#channel.postMessage('changed');
  }

  /** Rejects where the server refuses. */
  async end(): Promise<void> {
    await endSession(this.#csrfToken());
    this.#set(this.#closed());
    this.#channel.postMessage('changed');
  }

  /** What calls to the API carry. */
  readonly headers = (): Record<string, string> => csrfHeader(this.#csrfToken());

  #csrfToken(): string {
    return this.#state.status === 'open' ? this.#state.session.csrfToken : '';
  }

  #closed(): SessionState {
    const was = this.#state;
    if (was.status === 'closed') return was;
    const session = was.status === 'open' ? was.session : null;
    return { status: 'closed', ended: session !== null, dev: session?.dev ?? false };
  }

  #set(state: SessionState): void {
    this.#turn++;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
