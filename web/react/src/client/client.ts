/** The client: state and actions, without a framework. */
import { backoff } from './backoff.js';
import type { ClientEvent, ClientOptions, EvergrantClient, Failed } from './client-types.js';
import { asError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { Flows } from './flows.js';
import { createSend, type Send } from './http.js';
import { createPage, type Page } from './page.js';
import { initialSnapshot, type Snapshot } from './snapshot.js';
import { createStore, notifyAll, type Store } from './store.js';
import { Sync } from './sync.js';
import type { ProviderId } from './types.js';

/**
 * Creates a client. It reads nothing until `start` is called. A server may create one to render with; what needs a
 * browser is created on first use.
 */
export function createClient(options: ClientOptions = {}): EvergrantClient {
  const core = new Core(options);
  const { store } = core;
  const first = store.get();
  return {
    getSnapshot: store.get,
    getServerSnapshot: () => first,
    subscribe: store.subscribe,
    on(listener) {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    start: () => core.start(),
    connect: (provider, how = {}) => core.connect(provider, how),
    reconnect: (provider, accountId, how) => core.connect(provider, { ...how, accountId }),
    disconnect: (provider, accountId, how) =>
      core.act('disconnect', provider, ({ actions }) =>
        actions.disconnect(provider, accountId, how?.deleteData ?? false),
      ),
    refresh: (provider, accountId) =>
      core.act('refresh', provider, ({ actions }) => actions.refresh(provider, accountId)),
    cancel: () => core.cancel(),
    reopen: () => core.loaded?.runner.reopen(),
    chooseAccounts: async (accountIds) => core.loaded?.runner.chooseAccounts(accountIds),
    submitCredentials: async (values) => core.loaded?.runner.submitCredentials(values),
    dismiss: () => core.dismiss(),
    reload: () => core.onPage().sync.reload(),
    imageUrl: (address) => (address.startsWith('/') ? baseOf(options) : '') + address,
  };
}

class Core {
  readonly store: Store<Snapshot>;
  readonly listeners = new Set<(event: ClientEvent) => void>();
  /** The flows module once it is loaded; synchronous, because windows must be opened in the click itself. */
  loaded: Flows | undefined;
  readonly #options: ClientOptions;
  readonly #send: Send;
  #page: { page: Page; sync: Sync } | undefined;
  #flows: Promise<Flows> | undefined;
  /** How many calls of `start` have not been stopped. */
  #starts = 0;
  /** How many times in a row the flows module failed to load on this page. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop = () => {};
  /** Whether the client was stopped. A client that was never started may still connect. */
  #isPaused = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#send = createSend(options);
    this.store = createStore(initialSnapshot(options.initialStatus));
  }

  /** Returns the parts that need a browser page; created on first use, so that a server can render without them. */
  onPage() {
    return (this.#page ??= this.#createOnPage());
  }

  /** Loads the flows module. A failed load is retried by the next call. */
  flows(): Promise<Flows> {
    this.#flows ??= this.#loadFlows().catch((thrown) => {
      this.#flows = undefined;
      throw thrown;
    });
    return this.#flows;
  }

  start(): () => void {
    if (this.#starts++ === 0) this.#start();
    let ended = false;
    return () => {
      if (!ended && --this.#starts === 0) this.#stop();
      ended = true;
    };
  }

  /** Runs an action of the flows module. A failure to load the module is reported like any other failure. */
  async act<T>(
    during: 'connect' | 'disconnect' | 'refresh',
    provider: ProviderId,
    work: (flows: Flows) => Promise<T>,
  ): Promise<T | Failed> {
    try {
      return await work(await this.flows());
    } catch (thrown) {
      const error = asError(thrown);
      this.#emit({ type: 'failed', provider, during, error });
      return { status: 'failed', error };
    }
  }

  async connect(provider: ProviderId, how: ConnectOptions): Promise<ConnectResult> {
    const { page } = this.onPage();
    const { mode = 'auto', accountId } = how;
    const isPasted = this.store
      .get()
      .providers.some((one) => one.provider === provider && one.kind === 'cookies');
    const inWindow = !isPasted && (mode === 'popup' || (mode === 'auto' && !page.isCoarse()));
    const popup = inWindow ? page.openPopup() : null;
    if (!this.loaded) this.#patch({ flow: { step: 'starting', provider, accountId } });
    const result = await this.act('connect', provider, ({ runner }) => runner.connect(provider, how, popup));
    if (!this.loaded && result.status === 'failed') {
      popup?.close();
      this.#patch({ flow: { step: 'failed', provider, error: result.error } });
    }
    return result;
  }

  cancel(): void {
    this.flows().then(
      ({ runner }) => runner.cancel(),
      () => {},
    );
  }

  dismiss(): void {
    if (this.loaded) this.loaded.runner.dismiss();
    else if (this.store.get().flow.step === 'failed') this.#patch({ flow: { step: 'idle' } });
  }

  #start(): void {
    const { sync, page } = this.onPage();
    const stops = [sync.start(), page.onReturn(() => this.#onReturn())];
    this.#stop = () => {
      stops.forEach((stop) => stop());
      clearTimeout(this.#timer);
      this.#isPaused = true;
      this.loaded?.runner.suspend();
    };
    this.#isPaused = false;
    this.loaded?.runner.watch();
    // A returned consent is finished at once. Without one, the list is read first.
    void (hasReturned(page) ? Promise.resolve() : sync.settled()).then(() => this.#resume());
  }

  /** Finishes a returned consent. If the flows module cannot be loaded, retries with backoff. */
  #resume(): void {
    this.flows().then(
      ({ resume }) => resume(),
      () => {
        clearTimeout(this.#timer);
        const wait = backoff(++this.#failures);
        if (this.#starts > 0 && hasReturned(this.onPage().page))
          this.#timer = setTimeout(() => this.#resume(), wait);
      },
    );
  }

  #onReturn(): void {
    this.loaded?.runner.onRestored();
    if (!this.loaded && this.#failures > 0) this.#resume();
  }

  #createOnPage() {
    const { page = createPage(), tabs, realtime = true, pollMs = 30_000, userKey = '' } = this.#options;
    const scope = `${baseOf(this.#options)}|${userKey}`;
    const onFlow = (flowId: string) => this.loaded?.runner.wake(flowId);
    const { store } = this;
    const sync = new Sync({ send: this.#send, page, tabs, store, scope, realtime, pollMs, onFlow });
    return { page, sync };
  }

  async #loadFlows(): Promise<Flows> {
    const { store } = this;
    const { page, sync } = this.onPage();
    const { browser, tabs } = this.#options;
    const { createFlows } = await import('./flows.js');
    this.loaded = createFlows({
      send: this.#send,
      page,
      browser,
      tabs,
      redirectUrl: () => new URL(this.#options.redirectUrl ?? '', page.address()).href,
      reload: () => sync.reload(),
      store,
      emit: (event) => this.#emit(event),
      isPaused: () => this.#isPaused,
    });
    return this.loaded;
  }

  #emit(event: ClientEvent): void {
    notifyAll(this.listeners, event);
  }

  #patch(change: Partial<Snapshot>): void {
    this.store.set({ ...this.store.get(), ...change });
  }
}

const baseOf = ({ baseUrl = '' }: ClientOptions) => baseUrl.replace(/\/$/, '');

/** Whether the URL may describe a returned consent; `finishReturn` parses it. */
const hasReturned = (page: Page) => page.address().includes('integration=');
