/** Keeps the state in sync with the server: by server-sent events, or by polling if there are none. */
import { waitAfter } from './backoff.js';
import { asError, type EvergrantError } from './error.js';
import type { Send } from './http.js';
import type { Page } from './page.js';
import { readProviders, readStatus } from './reads.js';
import { type Snapshot, withCatalogue, withStatus } from './snapshot.js';
import type { Store } from './store.js';
import type { Tabs } from './tabs.js';

/** What `Sync` depends on. */
export interface SyncOptions {
  /** Sends requests to the server. */
  send: Send;
  /** This page. */
  page: Page;
  /** The communication with other tabs; undefined for the window's own. */
  tabs: Tabs | undefined;
  /** The client's state. */
  store: Store<Snapshot>;
  /** Identifies the server and the user; messages of tabs with another scope are ignored. */
  scope: string;
  /** Whether to receive server-sent events. */
  realtime: boolean;
  /** The polling interval without events, in milliseconds. */
  pollMs: number;
  /** Called when the state of a flow has changed. */
  onFlow(flowId: string): void;
}

/** The age in milliseconds below which a return to the page does not read the status again. */
const FRESH_MS = 5000;
/** The parts of the state after a successful read. */
const READ_SUCCEEDED = { loading: false, error: null, stale: false, retryAt: null };

/** Reads the status and the catalogue, and keeps them up to date. */
export class Sync {
  readonly #options: SyncOptions;
  /** The entity tag of the last status. */
  #etag: string | null = null;
  /** The reads in progress. */
  #reading: Promise<void> | undefined;
  /** Whether `reload` was called during a read. */
  #again = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  /** Whether events arrive, in this tab or in the leader. */
  #streaming = false;
  /** The function that stops receiving events. */
  #live: Promise<() => void> | undefined;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Starts to read and to receive changes. Returns the function that stops it. */
  start(): () => void {
    this.#running = true;
    void this.reload();
    const stopListening = this.#options.page.onReturn(() => this.#onReturn());
    return () => {
      this.#running = this.#streaming = false;
      clearTimeout(this.#timer);
      stopListening();
      this.#live?.then(
        (unfollow) => unfollow(),
        () => {},
      );
      this.#live = undefined;
    };
  }

  /** Reads the status as of this call: a call during a read waits for another one. Never rejects. */
  reload(): Promise<void> {
    this.#again = this.#reading !== undefined;
    return (this.#reading ??= this.#readAll());
  }

  /** Resolves when no read is in progress. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #readAll(): Promise<void> {
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
      const needsCatalogue = store.get().providers.length === 0;
      const [{ status, etag }, catalogue] = await Promise.all([
        readStatus(send, this.#etag),
        needsCatalogue ? readProviders(send) : null,
      ]);
      this.#failures = 0;
      this.#etag = etag;
      const known = catalogue ? withCatalogue(store.get(), catalogue) : store.get();
      const live = this.#streaming ? 'stream' : 'poll';
      store.set({
        ...(status ? withStatus(known, status) : known),
        ...READ_SUCCEEDED,
        live,
        readAt: Date.now(),
      });
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
    // A `Retry-After` of the server holds even if the user returns to the page.
    const isDue = error ? !error.retryAfter || now >= (retryAt ?? 0) : now - (readAt ?? 0) > FRESH_MS;
    if (isDue) void this.reload();
  }

  /** Starts to receive events after the first read. If the module cannot be loaded, the next read tries again. */
  #follow(): void {
    const { realtime } = this.#options;
    if (!realtime || !this.#running || this.#live) return;
    const isCurrent = (): boolean => this.#live === following;
    const reload = () => this.reload();
    const onLive = (live: boolean) => this.#onLive(live);
    const following: Promise<() => void> = (this.#live = import('./live.js').then(({ follow }) =>
      isCurrent() ? follow({ ...this.#options, reload, onLive }) : () => {},
    ));
    following.catch(() => {
      if (isCurrent()) this.#live = undefined;
    });
  }

  /**
   * Reads at once when the stream breaks, so that an outage shows without delay. Ignores repeated reports, so that failed
   * attempts to open the stream do not postpone the next poll.
   */
  #onLive(live: boolean): void {
    if (live === this.#streaming) return;
    this.#streaming = live;
    if (live) this.#patch({ live: 'stream' });
    else if (this.#options.store.get().live === 'stream') this.#patch({ live: 'poll' });
    if (live || !this.#running) this.#schedule();
    else void this.reload();
  }

  #patch(change: Partial<Snapshot>): void {
    const { store } = this.#options;
    store.set({ ...store.get(), ...change });
  }
}
