/** `@evergrant/react/testing`: a client without a network, for the tests of your app. */
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

export interface FakeOptions {
  providers?: readonly Provider[];
  integrations?: readonly Integration[];
  /** What an action answers instead of succeeding; may be a promise. */
  outcomes?: Partial<Pick<EvergrantClient, 'connect' | 'disconnect' | 'refresh'>>;
}

export interface FakeCall {
  action: keyof EvergrantClient;
  args: readonly unknown[];
}

export interface FakeClient extends EvergrantClient {
  /** What was asked of it, in order. */
  readonly calls: readonly FakeCall[];
  /** Changes what is known, such as `{ loading: true }`, `{ flow: … }` or `{ integrations: […] }`. */
  set(change: Partial<Snapshot>): void;
  /** Tells of something as the server would. */
  emit(event: ClientEvent): void;
}

/**
 * Knows all at once, and does at once what it is asked: connecting adds an account, disconnecting removes it. Nothing
 * opens, nothing is sent, no time passes.
 */
export function createFakeClient(options: FakeOptions = {}): FakeClient {
  const { providers = [], integrations = [], outcomes = {} } = options;
  const initial: InitialStatus = { version: 1, providers, integrations };
  const store = createStore(initialSnapshot(initial));
  const listeners = new Set<(event: ClientEvent) => void>();
  const calls: FakeCall[] = [];
  const emit = (event: ClientEvent) => listeners.forEach((listener) => listener(event));
  const set = (change: Partial<Snapshot>) => store.set(changed(store.get(), change));
  const world: World = { store: { get: store.get, set }, emit, outcomes };
  const asked = recorder(calls);
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
    connect: asked('connect', (provider, how = {}) => connect(world, provider, how)),
    reconnect: asked('reconnect', (provider, accountId, how) =>
      connect(world, provider, { ...how, accountId }),
    ),
    disconnect: asked('disconnect', (provider, id, how) => disconnect(world, provider, id, how)),
    refresh: asked('refresh', (provider, id) => refresh(world, provider, id)),
    cancel: asked('cancel', toIdle),
    dismiss: asked('dismiss', toIdle),
    reopen: asked('reopen', () => {}),
    chooseAccounts: asked('chooseAccounts', async () => toIdle()),
    submitCredentials: asked('submitCredentials', async () => toIdle()),
    reload: asked('reload', async () => {}),
    imageUrl: (address) => address,
  };
}

function changed(known: Snapshot, change: Partial<Snapshot>): Snapshot {
  const { integrations: accounts, providers: catalogue, ...rest } = change;
  let next = { ...known, ...rest };
  if (catalogue) next = withCatalogue(next, catalogue);
  if (accounts) next = withStatus(next, { version: (next.version ?? 0) + 1, integrations: accounts });
  return next;
}

interface World {
  store: { get(): Snapshot; set(change: Partial<Snapshot>): void };
  emit(event: ClientEvent): void;
  outcomes: NonNullable<FakeOptions['outcomes']>;
}

function recorder(calls: FakeCall[]) {
  return <K extends keyof EvergrantClient>(action: K, work: EvergrantClient[K]): EvergrantClient[K] =>
    ((...args: unknown[]) => {
      calls.push({ action, args });
      return (work as (...args: unknown[]) => unknown)(...args);
    }) as EvergrantClient[K];
}

const isIt = (provider: string, id: string) => (one: Integration) =>
  one.provider === provider && one.providerAccountId === id;

async function connect(
  { store, emit, outcomes }: World,
  provider: ProviderId,
  how: ConnectOptions,
): ReturnType<EvergrantClient['connect']> {
  if (outcomes.connect) return outcomes.connect(provider, how);
  const { accountId = 'new' } = how;
  const known = store.get().integrations;
  const old = known.find(isIt(provider, accountId));
  const made = fresh(provider, accountId, old, Math.max(0, ...known.map(({ id }) => id)) + 1);
  store.set({ integrations: [...known.filter((one) => one !== old), made] });
  emit({ type: 'connected', provider, integrations: [made] });
  return { status: 'connected', integrations: [made] };
}

function fresh(provider: string, accountId: string, old: Integration | undefined, id: number): Integration {
  const now = new Date().toISOString();
  const blank: Integration = {
    id,
    provider,
    providerAccountId: accountId,
    isConnected: true,
    status: 'connected',
    missingScopes: [],
    metadata: {},
    createdAt: now,
    updatedAt: now,
  };
  return { ...blank, ...old, isConnected: true, status: 'connected', statusReason: null };
}

async function disconnect(
  { store, emit, outcomes }: World,
  provider: ProviderId,
  accountId: string,
  how?: { deleteData?: boolean },
): ReturnType<EvergrantClient['disconnect']> {
  if (outcomes.disconnect) return outcomes.disconnect(provider, accountId, how);
  const known = store.get().integrations;
  store.set({ integrations: known.filter((one) => !isIt(provider, accountId)(one)) });
  emit({ type: 'disconnected', provider, revocation: 'revoked', message: 'Disconnected.' });
  return { status: 'disconnected', revocation: 'revoked', message: 'Disconnected.' };
}

async function refresh(
  { store, emit, outcomes }: World,
  provider: ProviderId,
  accountId: string,
): ReturnType<EvergrantClient['refresh']> {
  if (outcomes.refresh) return outcomes.refresh(provider, accountId);
  const lastRefreshedAt = new Date().toISOString();
  const renewed = (one: Integration) => (isIt(provider, accountId)(one) ? { ...one, lastRefreshedAt } : one);
  store.set({ integrations: store.get().integrations.map(renewed) });
  emit({ type: 'refreshed', provider, accountId });
  return { status: 'refreshed', expiresAt: null };
}
