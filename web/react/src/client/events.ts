/** The events of `GET /api/integrations/events` and their effect on the state. */
import type { components } from './generated.js';
import { grouped, type Snapshot } from './snapshot.js';
import type { Integration, ServerFlow } from './types.js';

/** The user's version, which increases with every change and is also the event's `id`. */
type Versioned = components['schemas']['VersionEvent'];

interface Dated extends Versioned {
  /** When it happened (RFC 3339). */
  at: string;
}

/** An account changed. */
export interface AccountEvent extends Dated {
  /** What happened to the account, or its new status. */
  type: 'connected' | 'refreshed' | 'expiring' | 'expired' | 'error' | 'disconnected';
  /** The platform. */
  provider: string;
  /** The account's id at the platform. */
  accountId: string;
  /** The account after the change; absent once it is disconnected. */
  integration?: Integration;
}

/** The state of a flow changed. */
export interface FlowEvent extends Dated {
  type: 'flow';
  /** The flow. */
  flowId: string;
  /** Its new status. */
  status: ServerFlow['status'];
  /** The error code, with status `error`. */
  code?: string;
}

/** The stream is open. */
export interface ReadyEvent extends Versioned {
  type: 'ready';
}

/** Events were missed and cannot be sent again; the status must be read. */
export interface ResetEvent extends Versioned {
  type: 'reset';
}

/** An event about the stream itself. */
export type StreamEvent = ReadyEvent | ResetEvent;

/** Any event of the stream. */
export type ServerEvent = AccountEvent | FlowEvent | StreamEvent;

/** Applies an event to the state. Events that are not newer than the state are ignored. */
export function withEvent(snapshot: Snapshot, event: AccountEvent): Snapshot {
  if (snapshot.version === null || event.version <= snapshot.version) return snapshot;
  const { provider, accountId, integration } = event;
  const isChanged = (one: Integration) => one.provider === provider && one.providerAccountId === accountId;
  const known = snapshot.integrations;
  const next = integration
    ? known.some(isChanged)
      ? known.map((one) => (isChanged(one) ? integration : one))
      : [...known, integration]
    : known.filter((one) => !isChanged(one));
  return grouped({ ...snapshot, version: event.version }, next);
}
