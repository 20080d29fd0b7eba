/** `@evergrant/react/testing`: a client that needs no network, for the tests of your app. */
import type { ClientEvent, EvergrantClient } from '../client/client-types.js';
import type { ConnectOptions } from '../client/flow-options.js';
import {
  type InitialStatus,
  initialSnapshot,
  type Snapshot,
  withCatalogue,
  withStatus,
} from '../client/snapshot.js';
import { createStore } from '../client/store.js';
import type { Integration, Provider, ProviderId } from '../client/types.js';

export { sampleIntegration, sampleProviders } from './samples.js';

/** The options of `createFakeClient`. */
export interface FakeOptions {
  /**
   * The catalogue, such as `sampleProviders`.
   *
   * @default an empty catalogue
   */
  providers?: readonly Provider[];
  /**
   * The connected accounts.
   *
   * @default none
   */
  integrations?: readonly Integration[];
  /** Replacements for actions that otherwise succeed at once; for failures and delays. */
  outcomes?: Partial<Pick<EvergrantClient, 'connect' | 'disconnect' | 'refresh'>>;
}

/** A call of an action. */
export interface FakeCall {
  /** The action's name. */
  action: keyof EvergrantClient;
  /** The arguments. */
  args: readonly unknown[];
}

/** A client that records the calls of its actions and whose state tests can set. */
export interface FakeClient extends EvergrantClient {
  /** The calls of actions, in order. */
  readonly calls: readonly FakeCall[];
  /** Changes the state, for example `{ loading: true }`, `{ flow: … }` or `{ integrations: […] }`. */
  set(change: Partial<Snapshot>): void;
  /** Emits an event to the listeners. */
  emit(event: ClientEvent): void;
}

/**
 * Creates a fake client. It has its data from the start and its actions take effect at once: connecting adds an account,
 * disconnecting removes it. It opens no window, sends no request and uses no timer.
 */
export function createFakeClient(options: FakeOptions = {}): FakeClient {
  const { providers = [], integrations = [], outcomes = {} } = options;
  const initial: InitialStatus = { version: 1, providers, integrations };
  const store = createStore(initialSnapshot(initial));
  const listeners = new Set<(event: ClientEvent) => void>();
  const calls: FakeCall[] = [];
  const emit = (event: ClientEvent) => listeners.forEach((listener) => listener(event));
  const set = (change: Partial<Snapshot>) => store.set(changed(store.get(), change));
  const fake: FakeState = { store: { get: store.get, set }, emit, outcomes };
  const recorded = recorder(calls);
  const toIdle = () => set({ flow: { step: 'idle' } });
  return {
    calls,
    set,
    emit,
    getSnapshot: store.get,
    getServerSnapshot: store.get,
    subscribe: store.subscribe,
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () => () => {},
    connect: recorded('connect', (provider, how = {}) => connect(fake, provider, how)),
    reconnect: recorded('reconnect', (provider, accountId, how) =>
      connect(fake, provider, { ...how, accountId }),
    ),
    disconnect: recorded('disconnect', (provider, id, how) => disconnect(fake, provider, id, how)),
    refresh: recorded('refresh', (provider, id) => refresh(fake, provider, id)),
    cancel: recorded('cancel', toIdle),
    dismiss: recorded('dismiss', toIdle),
    reopen: recorded('reopen', () => {}),
    chooseAccounts: recorded('chooseAccounts', async () => toIdle()),
    submitCredentials: recorded('submitCredentials', async () => toIdle()),
    reload: recorded('reload', async () => {}),
    imageUrl: (address) => address,
  };
}

/** Applies a change as the client would, which groups the accounts by platform. */
function changed(known: Snapshot, change: Partial<Snapshot>): Snapshot {
  const { integrations: accounts, providers: catalogue, ...rest } = change;
  let next = { ...known, ...rest };
  if (catalogue) next = withCatalogue(next, catalogue);
  if (accounts) next = withStatus(next, { version: (next.version ?? 0) + 1, integrations: accounts });
  return next;
}

/** What the actions of the fake operate on. */
interface FakeState {
  store: { get(): Snapshot; set(change: Partial<Snapshot>): void };
  emit(event: ClientEvent): void;
  outcomes: NonNullable<FakeOptions['outcomes']>;
}

/** Returns a function that wraps actions so that their calls are recorded. */
function recorder(calls: FakeCall[]) {
  return <K extends keyof EvergrantClient>(action: K, work: EvergrantClient[K]): EvergrantClient[K] =>
    ((...args: unknown[]) => {
      calls.push({ action, args });
      return (work as (...args: unknown[]) => unknown)(...args);
    }) as EvergrantClient[K];
}

const isAccount = (provider: string, id: string) => (one: Integration) =>
  one.provider === provider && one.providerAccountId === id;

async function connect(
  { store, emit, outcomes }: FakeState,
  provider: ProviderId,
  how: ConnectOptions,
): ReturnType<EvergrantClient['connect']> {
  if (outcomes.connect) return outcomes.connect(provider, how);
  const { accountId = 'new' } = how;
  const known = store.get().integrations;
  const old = known.find(isAccount(provider, accountId));
  const made = fresh(provider, accountId, old, Math.max(0, ...known.map(({ id }) => id)) + 1);
  store.set({ integrations: [...known.filter((one) => one !== old), made] });
  emit({ type: 'connected', provider, integrations: [made] });
  return { status: 'connected', integrations: [made] };
}

/** Returns the account after it was connected: the old one without its status, or a new one. */
function fresh(provider: string, accountId: string, old: Integration | undefined, id: number): Integration {
  const now = new Date().toISOString();
  const blank: Integration = {
    id,
    provider,
    providerAccountId: accountId,
    isConnected: true,
    status: 'connected',
    remarks: [],
    missingScopes: [],
    metadata: {},
    createdAt: now,
    updatedAt: now,
  };
  return { ...blank, ...old, isConnected: true, status: 'connected', statusReason: null, remarks: [] };
}

async function disconnect(
  { store, emit, outcomes }: FakeState,
  provider: ProviderId,
  accountId: string,
  how?: { deleteData?: boolean },
): ReturnType<EvergrantClient['disconnect']> {
  if (outcomes.disconnect) return outcomes.disconnect(provider, accountId, how);
  const known = store.get().integrations;
  store.set({ integrations: known.filter((one) => !isAccount(provider, accountId)(one)) });
  emit({ type: 'disconnected', provider, revocation: 'revoked', message: 'Disconnected.' });
  return { status: 'disconnected', revocation: 'revoked', message: 'Disconnected.' };
}

async function refresh(
  { store, emit, outcomes }: FakeState,
  provider: ProviderId,
  accountId: string,
): ReturnType<EvergrantClient['refresh']> {
  if (outcomes.refresh) return outcomes.refresh(provider, accountId);
  const lastRefreshedAt = new Date().toISOString();
  const refreshed = (one: Integration) =>
    isAccount(provider, accountId)(one) ? { ...one, lastRefreshedAt } : one;
  store.set({ integrations: store.get().integrations.map(refreshed) });
  emit({ type: 'refreshed', provider, accountId });
  return { status: 'refreshed', expiresAt: null };
}
