/** The core without a framework: what is known, and what can be done about it. */
import type { ClientEvent, ClientOptions, EvergrantClient } from './client-types.js';
import { asError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { Flows } from './flows.js';
import { createSend, type Send } from './http.js';
import { createPage, type Page } from './page.js';
import { initialSnapshot, type Snapshot } from './snapshot.js';
import { createStore, type Store } from './store.js';
import { Sync } from './sync.js';
import type { ProviderId } from './types.js';

export function createClient(options: ClientOptions = {}): EvergrantClient {
  const core = new Core(options);
  const { store } = core;
  return {
    getSnapshot: store.get,
    subscribe: store.subscribe,
    on(listener) {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    start: () => core.start(),
    connect: (provider, how = {}) => core.connect(provider, how),
    reconnect: (provider, accountId, how) => core.connect(provider, { ...how, accountId }),
    disconnect: async (provider, accountId, how) =>
      (await core.flows()).actions.disconnect(provider, accountId, how?.deleteData ?? false),
    refresh: async (provider, accountId) => (await core.flows()).actions.refresh(provider, accountId),
    cancel: () => void core.flows().then(({ runner }) => runner.cancel()),
    reopen: () => core.ready?.runner.reopen(),
    chooseAccounts: async (accountIds) => (await core.flows()).runner.chooseAccounts(accountIds),
    submitCredentials: async (values) => (await core.flows()).runner.submitCredentials(values),
    dismiss: () => core.ready?.runner.dismiss(),
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
  #stop = () => {};

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
    if (this.#starts++ === 0) {
      const { sync, page } = this.here();
      const restore = (restored: boolean) => restored && this.ready?.runner.restored();
      const ends = [sync.start(), page.onReturn(restore)];
      this.#stop = () => ends.forEach((end) => end());
      // Nothing that came back waits for the list; where nothing did, the list comes first.
      const first = hasReturned(page) ? Promise.resolve() : sync.settled();
      void first
        .then(() => this.flows())
        .then(
          ({ resume }) => resume(),
          () => {},
        );
    }
    let ended = false;
    return () => {
      if (!ended && --this.#starts === 0) this.#stop();
      ended = true;
    };
  }

  async connect(provider: ProviderId, how: ConnectOptions): Promise<ConnectResult> {
    const { page } = this.here();
    const { mode = 'auto', accountId } = how;
    const isPasted = this.store
      .get()
      .providers.some((one) => one.provider === provider && one.kind === 'cookies');
    const inWindow = !isPasted && (mode === 'popup' || (mode === 'auto' && !page.isCoarse()));
    const popup = inWindow ? page.openPopup() : null;
    if (!this.ready)
      this.#patch({ flow: { step: 'starting', provider, ...(accountId ? { accountId } : {}) } });
    try {
      return await (await this.flows()).runner.connect(provider, how, popup);
    } catch (thrown) {
      popup?.close();
      const error = asError(thrown);
      this.#patch({ flow: { step: 'failed', provider, error } });
      return { status: 'failed', error };
    }
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
      redirectUrl: () => this.#options.redirectUrl ?? page.address().replace(/#.*$/, ''),
      reload: () => sync.reload(),
      store,
      emit: (event) => this.#emit(event),
    });
    return this.ready;
  }

  #emit(event: ClientEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  #patch(change: Partial<Snapshot>): void {
    this.store.set({ ...this.store.get(), ...change });
  }
}

const baseOf = ({ baseUrl = '' }: ClientOptions) => baseUrl.replace(/\/$/, '');

/** Whether the address may tell of a flow; `finishReturn` reads it properly. */
const hasReturned = (page: Page) => page.address().includes('integration=');
