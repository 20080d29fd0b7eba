/** The core without a framework: what is known, and what can be done about it. */
import { backoff } from './backoff.js';
import type { ClientEvent, ClientOptions, EvergrantClient, Failed } from './client-types.js';
import { asError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { Flows } from './flows.js';
import { createSend, type Send } from './http.js';
import { createPage, type Page } from './page.js';
import { initialSnapshot, type Snapshot } from './snapshot.js';
import { createStore, type Store, tellAll } from './store.js';
import { Sync } from './sync.js';
import type { ProviderId } from './types.js';

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
    reopen: () => core.ready?.runner.reopen(),
    chooseAccounts: async (accountIds) => core.ready?.runner.chooseAccounts(accountIds),
    submitCredentials: async (values) => core.ready?.runner.submitCredentials(values),
    dismiss: () => core.dismiss(),
    reload: () => core.here().sync.reload(),
    imageUrl: (address) => (address.startsWith('/') ? baseOf(options) : '') + address,
  };
}

class Core {
  readonly store: Store<Snapshot>;
  readonly listeners = new Set<(event: ClientEvent) => void>();
  /** Once it is loaded: windows must be opened in the click itself. */
  ready: Flows | undefined;
  readonly #options: ClientOptions;
  readonly #send: Send;
  #here: { page: Page; sync: Sync } | undefined;
  #flows: Promise<Flows> | undefined;
  #starts = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop = () => {};
  /** It was stopped; a client that was never started may still be asked to connect. */
  #isResting = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#send = createSend(options);
    this.store = createStore(initialSnapshot(options.initialStatus));
  }

  /** What needs a page to run on; a server renders without it. */
  here() {
    return (this.#here ??= this.#onPage());
  }

  /** A failed load is tried again the next time. */
  flows(): Promise<Flows> {
    this.#flows ??= this.#loadFlows().catch((thrown) => {
      this.#flows = undefined;
      throw thrown;
    });
    return this.#flows;
  }

  start(): () => void {
    if (this.#starts++ === 0) this.#begin();
    let ended = false;
    return () => {
      if (!ended && --this.#starts === 0) this.#stop();
      ended = true;
    };
  }

  /** What a user asks of the part that is loaded apart. That it cannot be loaded is told like any other failure. */
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
    const { page } = this.here();
    const { mode = 'auto', accountId } = how;
    const isPasted = this.store
      .get()
      .providers.some((one) => one.provider === provider && one.kind === 'cookies');
    const inWindow = !isPasted && (mode === 'popup' || (mode === 'auto' && !page.isCoarse()));
    const popup = inWindow ? page.openPopup() : null;
    if (!this.ready) this.#patch({ flow: { step: 'starting', provider, accountId } });
    const result = await this.act('connect', provider, ({ runner }) => runner.connect(provider, how, popup));
    if (!this.ready && result.status === 'failed') {
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
    if (this.ready) this.ready.runner.dismiss();
    else if (this.store.get().flow.step === 'failed') this.#patch({ flow: { step: 'idle' } });
  }

  #begin(): void {
    const { sync, page } = this.here();
    const ends = [sync.start(), page.onReturn(() => this.#onReturn())];
    this.#stop = () => {
      ends.forEach((end) => end());
      clearTimeout(this.#timer);
      this.#isResting = true;
      this.ready?.runner.rest();
    };
    this.#isResting = false;
    this.ready?.runner.watch();
    // Nothing that came back waits for the list; where nothing did, the list comes first.
    void (hasReturned(page) ? Promise.resolve() : sync.settled()).then(() => this.#resume());
  }

  /** Finishes what has come back; until its part can be loaded, that is tried again. */
  #resume(): void {
    this.flows().then(
      ({ resume }) => resume(),
      () => {
        clearTimeout(this.#timer);
        const wait = backoff(++this.#failures);
        if (this.#starts > 0 && hasReturned(this.here().page))
          this.#timer = setTimeout(() => this.#resume(), wait);
      },
    );
  }

  #onReturn(): void {
    this.ready?.runner.restored();
    if (!this.ready && this.#failures > 0) this.#resume();
  }

  #onPage() {
    const { page = createPage(), tabs, realtime = true, pollMs = 30_000, userKey = '' } = this.#options;
    const scope = `${baseOf(this.#options)}|${userKey}`;
    const onFlow = (flowId: string) => this.ready?.runner.wake(flowId);
    const { store } = this;
    const sync = new Sync({ send: this.#send, page, tabs, store, scope, realtime, pollMs, onFlow });
    return { page, sync };
  }

  async #loadFlows(): Promise<Flows> {
    const { store } = this;
    const { page, sync } = this.here();
    const { browser, tabs } = this.#options;
    const { createFlows } = await import('./flows.js');
    this.ready = createFlows({
      send: this.#send,
      page,
      browser,
      tabs,
      redirectUrl: () => new URL(this.#options.redirectUrl ?? '', page.address()).href,
      reload: () => sync.reload(),
      store,
      emit: (event) => this.#emit(event),
      isResting: () => this.#isResting,
    });
    return this.ready;
  }

  #emit(event: ClientEvent): void {
    tellAll(this.listeners, event);
  }

  #patch(change: Partial<Snapshot>): void {
    this.store.set({ ...this.store.get(), ...change });
  }
}

const baseOf = ({ baseUrl = '' }: ClientOptions) => baseUrl.replace(/\/$/, '');

/** Whether the address may tell of a flow; `finishReturn` reads it properly. */
const hasReturned = (page: Page) => page.address().includes('integration=');
