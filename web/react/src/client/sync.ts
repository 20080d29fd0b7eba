/** Keeps the snapshot like the server's: by the stream of one tab, else by asking now and then. */
import { waitAfter } from './backoff.js';
import { asError, type EvergrantError } from './error.js';
import type { Send } from './http.js';
import type { Page } from './page.js';
import { readProviders, readStatus } from './reads.js';
import { type Snapshot, withCatalogue, withStatus } from './snapshot.js';
import type { Store } from './store.js';
import type { Tabs } from './tabs.js';

export interface SyncOptions {
  send: Send;
  page: Page;
  tabs: Tabs | undefined;
  store: Store<Snapshot>;
  /** Whose status it is: tabs of another scope are none of ours. */
  scope: string;
  /** Whether to listen to the server's events. */
  realtime: boolean;
  /** How often to ask without events, in milliseconds. */
  pollMs: number;
  onFlow(flowId: string): void;
}

/** Coming back to a page that was read this recently reads nothing. */
const FRESH_MS = 5000;
const ALL_WELL = { loading: false, error: null, stale: false, retryAt: null };

export class Sync {
  readonly #options: SyncOptions;
  /** Of what is shown. */
  #etag: string | null = null;
  #reading: Promise<void> | undefined;
  #again = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #streaming = false;
  #following: Promise<() => void> | undefined;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Begins to keep up; until what it answers is called. */
  start(): () => void {
    this.#running = true;
    void this.reload();
    const deaf = this.#options.page.onReturn(() => this.#onReturn());
    return () => {
      this.#running = this.#streaming = false;
      clearTimeout(this.#timer);
      deaf();
      this.#following?.then(
        (unfollow) => unfollow(),
        () => {},
      );
      this.#following = undefined;
    };
  }

  /** Reads what is true after this call; whoever asks meanwhile waits for the next reading. Never rejects. */
  reload(): Promise<void> {
    this.#again = this.#reading !== undefined;
    return (this.#reading ??= this.#readings());
  }

  /** After the reading that is under way, if one is. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #readings(): Promise<void> {
    do {
      this.#again = false;
      await this.#read();
    } while (this.#again);
    this.#reading = undefined;
    this.#schedule();
  }

  async #read(): Promise<void> {
    const { send, store } = this.#options;
    try {
      const wanted = store.get().providers.length === 0;
      const [{ status, etag }, catalogue] = await Promise.all([
        readStatus(send, this.#etag),
        wanted ? readProviders(send) : null,
      ]);
      this.#failures = 0;
      this.#etag = etag;
      const known = catalogue ? withCatalogue(store.get(), catalogue) : store.get();
      const live = this.#streaming ? 'stream' : 'poll';
      store.set({ ...(status ? withStatus(known, status) : known), ...ALL_WELL, live, readAt: Date.now() });
      this.#follow();
    } catch (thrown) {
      this.#fail(asError(thrown));
    }
  }

  #fail(error: EvergrantError): void {
    const { version, live } = this.#options.store.get();
    const wait = waitAfter(error, ++this.#failures);
    this.#patch({
      error,
      loading: false,
      stale: version !== null,
      retryAt: error.retryable ? Date.now() + wait : null,
      live: error.retryable && error.status === undefined ? 'offline' : live,
    });
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { retryAt, error } = this.#options.store.get();
    if (!this.#running || (retryAt === null && (error || this.#streaming))) return;
    const wait = retryAt === null ? this.#options.pollMs : retryAt - Date.now();
    const isIdle = () => retryAt === null && this.#options.page.isHidden();
    this.#timer = setTimeout(() => (isIdle() ? this.#schedule() : void this.reload()), wait);
  }

  #onReturn(): void {
    const { readAt, retryAt, error } = this.#options.store.get();
    const now = Date.now();
    // Where the server said how long to wait, coming back changes nothing.
    const isDue = error ? !error.retryAfter || now >= (retryAt ?? 0) : now - (readAt ?? 0) > FRESH_MS;
    if (isDue) void this.reload();
  }

  /** Events go on from the version that is known. What cannot be loaded is asked for after the next reading. */
  #follow(): void {
    const { realtime } = this.#options;
    if (!realtime || !this.#running || this.#following) return;
    const isWanted = (): boolean => this.#following === following;
    const reload = () => this.reload();
    const onLive = (live: boolean) => this.#onLive(live);
    const following: Promise<() => void> = (this.#following = import('./live.js').then(({ follow }) =>
      isWanted() ? follow({ ...this.#options, reload, onLive }) : () => {},
    ));
    following.catch(() => {
      if (isWanted()) this.#following = undefined;
    });
  }

  /** Each failed opening says so again; the next reading is not put off by that. */
  #onLive(live: boolean): void {
    if (live === this.#streaming) return;
    this.#streaming = live;
    if (live) this.#patch({ live: 'stream' });
    else if (this.#options.store.get().live === 'stream') this.#patch({ live: 'poll' });
    this.#schedule();
  }

  #patch(change: Partial<Snapshot>): void {
    const { store } = this.#options;
    store.set({ ...store.get(), ...change });
  }
}
