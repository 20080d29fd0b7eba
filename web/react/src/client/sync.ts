/** Keeps the snapshot like the server's: by the stream of one tab, else by asking now and then. */
import type { Api } from './api.js';
import { backoff } from './backoff.js';
import { asError, type EvergrantError } from './error.js';
import type { ServerEvent } from './events.js';
import type { Page } from './page.js';
import { type Snapshot, withCatalogue, withEvent, withStatus } from './snapshot.js';
import type { Store } from './store.js';
import type { Tabs } from './tabs.js';

export interface SyncOptions {
  api: Api;
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
  #reading: Promise<void> | undefined;
  #again = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Begins to keep up; until what it answers is called. */
  start(): () => void {
    const { store, page, realtime } = this.#options;
    this.#running = true;
    // Events go on from the version that is known, so the first reading comes first.
    const first = this.reload();
    const known = store.get().version === null ? first : Promise.resolve();
    const following = realtime ? known.then(() => this.#follow()) : undefined;
    following?.catch(() => {});
    const deaf = page.onReturn(() => this.#onReturn());
    return () => {
      this.#running = false;
      clearTimeout(this.#timer);
      deaf();
      void following?.then((unfollow) => unfollow());
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
    const { api, store } = this.#options;
    try {
      const wanted = store.get().providers.length === 0;
      const [status, catalogue] = await Promise.all([api.status(), wanted ? api.providers() : null]);
      this.#failures = 0;
      const known = catalogue ? withCatalogue(store.get(), catalogue) : store.get();
      store.set({ ...(status ? withStatus(known, status) : known), ...ALL_WELL, readAt: Date.now() });
    } catch (thrown) {
      this.#fail(asError(thrown));
    }
  }

  #fail(error: EvergrantError): void {
    const { version, live } = this.#options.store.get();
    const wait = Math.max(backoff(++this.#failures), (error.retryAfter ?? 0) * 1000);
    this.#patch({
      error,
      loading: false,
      stale: version !== null,
      retryAt: error.retryable ? Date.now() + wait : null,
      live: error.status === undefined ? 'offline' : live,
    });
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { retryAt, live, error } = this.#options.store.get();
    if (!this.#running || (retryAt === null && (error || live === 'stream'))) return;
    const wait = retryAt === null ? this.#options.pollMs : retryAt - Date.now();
    const isIdle = () => retryAt === null && this.#options.page.isHidden();
    this.#timer = setTimeout(() => (isIdle() ? this.#schedule() : void this.reload()), wait);
  }

  #onReturn(): void {
    const { readAt, error } = this.#options.store.get();
    if (error || readAt === null || Date.now() - readAt > FRESH_MS) void this.reload();
  }

  async #follow(): Promise<() => void> {
    const { api, store, tabs, scope, onFlow } = this.#options;
    const { follow } = await import('./live.js');
    if (!this.#running) return () => {};
    return follow({
      api,
      tabs,
      scope,
      onFlow,
      version: () => store.get().version,
      onVersion: (version) => {
        if (version > (store.get().version ?? -1)) void this.reload();
      },
      onEvent: (event) => this.#onEvent(event),
      onLive: (live) => {
        // Each failed opening says so again; the next reading is not put off by that.
        if (live === (store.get().live === 'stream')) return;
        this.#patch({ live: live ? 'stream' : 'poll' });
        this.#schedule();
      },
    });
  }

  #onEvent(event: ServerEvent): void {
    const { store, onFlow } = this.#options;
    if (event.type === 'flow') onFlow(event.flowId);
    else if (event.type !== 'ready' && event.type !== 'reset') store.set(withEvent(store.get(), event));
    else if (event.type === 'reset' || event.version > (store.get().version ?? -1)) void this.reload();
  }

  #patch(change: Partial<Snapshot>): void {
    const { store } = this.#options;
    store.set({ ...store.get(), ...change });
  }
}
