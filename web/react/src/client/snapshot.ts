/** All that is known at one moment, and how it changes; without effects. Unchanged parts keep their identity. */
import type { EvergrantError } from './error.js';
import type { FlowState } from './flow-state.js';
import type { Integration, Provider, ProviderIntegrations, StatusSnapshot } from './types.js';

/**
 * How changes reach this page: at once (`stream`), by asking now and then (`poll`), or not at all, since the server
 * does not answer (`offline`).
 */
export type Live = 'stream' | 'poll' | 'offline';

export interface Snapshot {
  /** The user's connected accounts, in the order in which they were connected. */
  integrations: readonly Integration[];
  /** The catalogue, each platform with its accounts. */
  providers: readonly ProviderIntegrations[];
  /** The server's version of `integrations`; null before the first answer. */
  version: number | null;
  /** Nothing is known yet. */
  loading: boolean;
  /** Why the last reading failed; null where it did not. */
  error: EvergrantError | null;
  /** What is shown is older than a reading that failed. */
  stale: boolean;
  /** When it was last read, and when it is read again after a failure; milliseconds of the epoch. */
  readAt: number | null;
  retryAt: number | null;
  live: Live;
  flow: FlowState;
  /** The accounts that are being worked on, each as `provider/accountId`. */
  busy: readonly string[];
}

/** What a server rendered with, or a test begins with. */
export interface InitialStatus extends StatusSnapshot {
  providers: readonly Provider[];
}

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

/** An answer that is older than what is known is dropped: it was overtaken on its way. */
export function withStatus(snapshot: Snapshot, status: StatusSnapshot): Snapshot {
  if (snapshot.version !== null && status.version < snapshot.version) return snapshot;
  return grouped({ ...snapshot, version: status.version }, status.integrations);
}

export function withCatalogue(snapshot: Snapshot, catalogue: readonly Provider[]): Snapshot {
  return grouped(
    { ...snapshot, providers: catalogue.map((provider) => ({ ...provider, integrations: [] })) },
    snapshot.integrations,
  );
}

/** With these accounts, each under its platform too. */
export function grouped(snapshot: Snapshot, fresh: readonly Integration[]): Snapshot {
  const integrations = reuse(
    snapshot.integrations,
    fresh.map((one) => snapshot.integrations.find((known) => equal(known, one)) ?? one),
  );
  const providers = snapshot.providers.map((provider) => {
    const mine = integrations.filter((one) => one.provider === provider.provider);
    const own = reuse(provider.integrations, mine);
    return own === provider.integrations ? provider : { ...provider, integrations: own };
  });
  return { ...snapshot, integrations, providers: reuse(snapshot.providers, providers) };
}

function reuse<T>(known: readonly T[], fresh: readonly T[]): readonly T[] {
  return known.length === fresh.length && known.every((one, place) => one === fresh[place]) ? known : fresh;
}

/** Both come from JSON of one writer, so their text is the same where they are. */
const equal = (one: Integration, other: Integration) => JSON.stringify(one) === JSON.stringify(other);
