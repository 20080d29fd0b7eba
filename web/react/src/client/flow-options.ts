/** The options and results of `connect`. */
import type { EvergrantError } from './error.js';
import type { Integration } from './types.js';

/** The options of `connect` and `reconnect`. */
export interface ConnectOptions {
  /**
   * Where the consent page opens: in a window (`popup`) or in this page (`redirect`). `auto` uses a window for devices
   * with a mouse, and this page on touch screens and if the browser blocks the window.
   *
   * @default 'auto'
   */
  mode?: 'auto' | 'popup' | 'redirect';
  /** The account to reconnect; the connection keeps its id. */
  accountId?: string;
  /**
   * The scopes to request in addition to the required ones.
   *
   * @default all scopes in the platform's catalogue entry
   */
  scopes?: readonly string[];
  /** Cancels the flow when it fires, like `cancel`. */
  signal?: AbortSignal;
}

/** The accounts were connected. */
export interface ConnectSuccess {
  status: 'connected';
  /** The connected accounts. */
  integrations: readonly Integration[];
}

/** The flow was cancelled, by `cancel`, its signal or another `connect`. */
export interface ConnectCancelled {
  status: 'cancelled';
}

/** The page is navigating to the consent page; the flow continues when the consent returns. */
export interface ConnectRedirecting {
  status: 'redirecting';
}

/** The flow failed. */
export interface ConnectFailed {
  status: 'failed';
  /** Why it failed. */
  error: EvergrantError;
}

/** The result of `connect` and `reconnect`. */
export type ConnectResult = ConnectSuccess | ConnectCancelled | ConnectRedirecting | ConnectFailed;
