/**
 * The events of `GET /api/integrations/events`, and what they change; those that the OpenAPI document does not describe
 * yet, by hand.
 */
import type { components } from './generated.js';
import { grouped, type Snapshot } from './snapshot.js';
import type { Integration, ServerFlow } from './types.js';

/** The user's version rises with every change, and is also the event's `id`. */
type Versioned = components['schemas']['VersionEvent'];

interface Dated extends Versioned {
  /** RFC 3339. */
  at: string;
}

/** An account changed. `integration` is how it stands now; absent once it is disconnected. */
export interface AccountEvent extends Dated {
  type: 'connected' | 'refreshed' | 'expiring' | 'expired' | 'error' | 'disconnected';
  provider: string;
  accountId: string;
  integration?: Integration;
}

/** A flow went a step further. */
export interface FlowEvent extends Dated {
  type: 'flow';
  flowId: string;
  status: ServerFlow['status'];
  code?: string;
}

/** `ready` opens a stream; `reset` says that what was missed cannot be told. */
export type StreamEvent = Versioned & ({ type: 'ready' } | { type: 'reset' });

export type ServerEvent = AccountEvent | FlowEvent | StreamEvent;

/** An event that is not newer than what is known has been seen. */
export function withEvent(snapshot: Snapshot, event: AccountEvent): Snapshot {
  if (snapshot.version === null || event.version <= snapshot.version) return snapshot;
  const { provider, accountId, integration } = event;
  const isIt = (one: Integration) => one.provider === provider && one.providerAccountId === accountId;
  const known = snapshot.integrations;
  const kept = integration
    ? known.some(isIt)
      ? known.map((one) => (isIt(one) ? integration : one))
      : [...known, integration]
    : known.filter((one) => !isIt(one));
  return grouped({ ...snapshot, version: event.version }, kept);
}
