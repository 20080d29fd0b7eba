/** The options, events, results and methods of the client. */
import type { Browser } from './browser.js';
import type { EvergrantError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { HttpOptions } from './http.js';
import type { Page } from './page.js';
import type { InitialStatus, Snapshot } from './snapshot.js';
import type { Tabs } from './tabs.js';
import type { Disconnected, Integration, ProviderId, Refreshed } from './types.js';

/** The options of `createClient`. */
export interface ClientOptions extends HttpOptions {
  /** The status that your server has read with `fetchStatus`; with it, the client starts with `loading` false. */
  initialStatus?: InitialStatus;
  /**
   * The page that consents return to: a URL or a path on this origin, such as `/connected`. It must be on the
   * operator's list of allowed redirects.
   *
   * @default the current page
   */
  redirectUrl?: string;
  /**
   * Whether to receive changes by server-sent events. If false, the client polls.
   *
   * @default true
   */
  realtime?: boolean;
  /**
   * The polling interval while there are no server-sent events, in milliseconds.
   *
   * @default 30_000
   */
  pollMs?: number;
  /**
   * Separates the tabs of different users of one browser; for example, your user's id. It is not sent anywhere.
   *
   * @default ''
   */
  userKey?: string;
  /** Replaces the window's own features in tests. */
  page?: Page;
  /** Replaces the browser features that flows use in tests. */
  browser?: Browser;
  /** Replaces the communication between tabs in tests. */
  tabs?: Tabs;
}

/** Accounts were connected or reconnected. */
export interface ConnectedEvent {
  type: 'connected';
  /** The platform. */
  provider: ProviderId;
  /** The connected accounts. */
  integrations: readonly Integration[];
}

/** An action failed. */
export interface FailedEvent {
  type: 'failed';
  /** The platform. */
  provider: ProviderId;
  /** The action that failed. */
  during: 'connect' | 'disconnect' | 'refresh';
  /** Why it failed. */
  error: EvergrantError;
}

/** An account was disconnected. */
export interface DisconnectedEvent extends Omit<Disconnected, 'success'> {
  type: 'disconnected';
  /** The platform. */
  provider: ProviderId;
  /** The account as it was before; absent if the client did not know it. */
  integration?: Integration | undefined;
}

/** The token of an account was refreshed at the user's request. */
export interface RefreshedEvent {
  type: 'refreshed';
  /** The platform. */
  provider: ProviderId;
  /** The account's id at the platform. */
  accountId: string;
}

/** The status of an account changed to `expired` while this page was open: the user must reconnect it. */
export interface NeedsReconnectEvent {
  type: 'needs-reconnect';
  /** The account that must be reconnected. */
  integration: Integration;
}

/** Something that happened once; for a toast or a log. */
export type ClientEvent =
  ConnectedEvent | FailedEvent | DisconnectedEvent | RefreshedEvent | NeedsReconnectEvent;

/** The result of an action that failed. */
export interface Failed {
  status: 'failed';
  /** Why it failed. */
  error: EvergrantError;
}

/** The account was disconnected; `revocation` says whether the platform has revoked the grant. */
export interface DisconnectSuccess extends Omit<Disconnected, 'success'> {
  status: 'disconnected';
}

/** The result of `disconnect`. */
export type DisconnectResult = DisconnectSuccess | Failed;

/** The token was refreshed; `expiresAt` is when the new one expires. */
export interface RefreshSuccess extends Omit<Refreshed, 'success'> {
  status: 'refreshed';
}

/** The result of `refresh`. */
export type RefreshResult = RefreshSuccess | Failed;

/** The options of `disconnect`. */
export interface DisconnectOptions {
  /**
   * Whether to delete the data collected from the account as well.
   *
   * @default false
   */
  deleteData?: boolean;
}

/**
 * The client: the state of one user's integrations and the actions on it. No action rejects, so each can be used as an
 * event handler; failures are returned and emitted as `failed` events.
 */
export interface EvergrantClient {
  /** Returns the current state. Unchanged parts keep their identity. */
  getSnapshot(): Snapshot;
  /** Returns the initial state, which a server renders with and a browser hydrates with. */
  getServerSnapshot(): Snapshot;
  /** Calls `listener` after each change of the state. Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
  /**
   * Calls `listener` with each event. Returns the function that unsubscribes. Exceptions of a listener are passed to
   * `reportError`.
   */
  on(listener: (event: ClientEvent) => void): () => void;
  /**
   * Reads the status, keeps it up to date, and finishes a flow whose consent has returned to this page. Returns the
   * function that stops it.
   */
  start(): () => void;
  /**
   * Connects an account. Opens the platform's consent page in a window, so call it directly in a click handler; browsers
   * block windows that are opened later.
   */
  connect(provider: ProviderId, options?: ConnectOptions): Promise<ConnectResult>;
  /** Reconnects an account, which keeps its id. Call it directly in a click handler, like `connect`. */
  reconnect(provider: ProviderId, accountId: string, options?: ConnectOptions): Promise<ConnectResult>;
  /** Disconnects an account: deletes its tokens and requests revocation from the platform. */
  disconnect(provider: ProviderId, accountId: string, options?: DisconnectOptions): Promise<DisconnectResult>;
  /** Refreshes an account's token now. */
  refresh(provider: ProviderId, accountId: string): Promise<RefreshResult>;
  /** Cancels the current flow. */
  cancel(): void;
  /** Opens the consent window of the current flow again, or focuses it. Call it directly in a click handler. */
  reopen(): void;
  /** Submits the selected accounts of a flow in step `choose`. */
  chooseAccounts(accountIds: readonly string[]): Promise<void>;
  /** Submits the credentials of a flow in step `credentials`, by the names of its `fields`. */
  submitCredentials(values: Record<string, string>): Promise<void>;
  /** Resets a flow that has ended to `idle`. */
  dismiss(): void;
  /** Reads the status now. */
  reload(): Promise<void>;
  /** Returns the URL from which this page can load a picture, given its `avatarUrl`. */
  imageUrl(address: string): string;
}
