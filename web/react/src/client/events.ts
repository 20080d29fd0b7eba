/** The events of `GET /api/integrations/events`, by hand until the OpenAPI document describes them. */
import type { Integration, ServerFlow } from './types.js';

interface Versioned {
  /** The user's version; rises with every change. Also the event's `id`. */
  version: number;
}

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
