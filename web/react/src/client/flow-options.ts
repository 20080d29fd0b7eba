/** How a connection is asked for, and what comes of it. */
import type { EvergrantError } from './error.js';
import type { Integration } from './types.js';

export interface ConnectOptions {
  /** `auto`: a window where there is a mouse; this page otherwise, and where the browser blocks the window. */
  mode?: 'auto' | 'popup' | 'redirect';
  /** The account to reconnect; the connection keeps its id. */
  accountId?: string;
  /** What to ask for beyond what is required; all that the platform's entry lists by default. */
  scopes?: readonly string[];
  /** Gives the flow up when it fires, as `cancel` does. */
  signal?: AbortSignal;
}

export type ConnectResult =
  | { status: 'connected'; integrations: readonly Integration[] }
  | { status: 'cancelled' }
  | { status: 'redirecting' }
  | { status: 'failed'; error: EvergrantError };
