/** The client's state and how it changes, without side effects. Unchanged parts keep their identity. */
import type { EvergrantError } from './error.js';
import type { FlowState } from './flow-state.js';
import type { Integration, Provider, ProviderIntegrations, StatusSnapshot } from './types.js';

/**
 * How changes reach this page: immediately by server-sent events (`stream`), by polling (`poll`), or not at all because
 * the server cannot be reached (`offline`).
 */
export type Live = 'stream' | 'poll' | 'offline';

/** The client's state at one moment. */
export interface Snapshot {
  /** The user's connected accounts, in the order in which they were connected. */
  integrations: readonly Integration[];
  /** The catalogue: each platform with its accounts. */
  providers: readonly ProviderIntegrations[];
  /** The server's version of `integrations`; null before the first response. */
  version: number | null;
  /** Whether the first read has yet to complete. */
  loading: boolean;
  /** Why the last read failed; null if it succeeded. */
  error: EvergrantError | null;
  /** Whether the data may be out of date because the last read failed. */
  stale: boolean;
  /** When the status was last read, in milliseconds since the epoch; null before that. */
  readAt: number | null;
  /** When a failed read is retried, in milliseconds since the epoch; null if no retry is scheduled. */
  retryAt: number | null;
  /** How changes reach this page. */
  live: Live;
  /** The state of the current flow. */
  flow: FlowState;
  /** The accounts with an action in progress, each as `provider/accountId`. */
  busy: readonly string[];
}

/** The status and the catalogue that a server has read; the initial state of a client. */
export interface InitialStatus extends StatusSnapshot {
  /** The catalogue. */
  providers: readonly Provider[];
}

/** Returns the state of a new client; `loading` unless the initial status is given. */
export function initialSnapshot(initial?: InitialStatus): Snapshot {
  const empty: Snapshot = {
    integrations: [],
    providers: [],
    version: null,
    loading: true,
    error: null,
    stale: false,
    readAt: null,
    retryAt: null,
    live: 'poll',
    flow: { step: 'idle' },
    busy: [],
  };
  if (!initial) return empty;
  return { ...withStatus(withCatalogue(empty, initial.providers), initial), loading: false };
}

/** Returns the state with a status that was read. A status older than the state arrived late and is ignored. */
export function withStatus(snapshot: Snapshot, status: StatusSnapshot): Snapshot {
  if (snapshot.version !== null && status.version < snapshot.version) return snapshot;
  return grouped({ ...snapshot, version: status.version }, status.integrations);
}

/** Returns the state with another catalogue. */
export function withCatalogue(snapshot: Snapshot, catalogue: readonly Provider[]): Snapshot {
  return grouped(
    { ...snapshot, providers: catalogue.map((provider) => ({ ...provider, integrations: [] })) },
    snapshot.integrations,
  );
}

/** Returns the state with these accounts, listed together and by platform. */
export function grouped(snapshot: Snapshot, fresh: readonly Integration[]): Snapshot {
  const integrations = reuse(
    snapshot.integrations,
    fresh.map((one) => snapshot.integrations.find((known) => equal(known, one)) ?? one),
  );
  const providers = snapshot.providers.map((provider) => {
    const own = integrations.filter((one) => one.provider === provider.provider);
    const reused = reuse(provider.integrations, own);
    return reused === provider.integrations ? provider : { ...provider, integrations: reused };
  });
  return { ...snapshot, integrations, providers: reuse(snapshot.providers, providers) };
}

/** Returns the known array if both have the same elements, so that its identity does not change. */
function reuse<T>(known: readonly T[], fresh: readonly T[]): readonly T[] {
  return known.length === fresh.length && known.every((one, index) => one === fresh[index]) ? known : fresh;
}

/** Compares by JSON text: the server writes the members of an integration in a fixed order. */
const equal = (one: Integration, other: Integration) => JSON.stringify(one) === JSON.stringify(other);
