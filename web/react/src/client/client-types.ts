/** What a client is made from, what it can do, and what it tells. */
import type { Browser } from './browser.js';
import type { EvergrantError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { HttpOptions } from './http.js';
import type { Page } from './page.js';
import type { InitialStatus, Snapshot } from './snapshot.js';
import type { Tabs } from './tabs.js';
import type { Disconnected, Integration, ProviderId, Refreshed } from './types.js';

export interface ClientOptions extends HttpOptions {
  /** What a server has read already (`fetchStatus`), so that nothing is loading at first. */
  initialStatus?: InitialStatus;
  /**
   * Where consents come back to: on the operator's list, on this origin. An address or a path, such as `/connected`;
   * this page by default.
   */
  redirectUrl?: string;
  /** Server-sent events; true. */
  realtime?: boolean;
  /** How often to ask where there are no events, in milliseconds; 30,000. */
  pollMs?: number;
  /** Keeps tabs of different users of one browser apart, such as your user's id; never sent anywhere. */
  userKey?: string;
  /** For tests, like the next two. */
  page?: Page;
  browser?: Browser;
  tabs?: Tabs;
}

/** What just happened, once; for a toast or a log. */
export type ClientEvent =
  | { type: 'connected'; provider: ProviderId; integrations: readonly Integration[] }
  | {
      type: 'failed';
      provider: ProviderId;
      during: 'connect' | 'disconnect' | 'refresh';
      error: EvergrantError;
    }
  | ({ type: 'disconnected'; provider: ProviderId; integration?: Integration | undefined } & Omit<
      Disconnected,
      'success'
    >)
  | { type: 'refreshed'; provider: ProviderId; accountId: string }
  /** An account that worked needs its owner now. */
  | { type: 'needs-reconnect'; integration: Integration };

export interface Failed {
  status: 'failed';
  error: EvergrantError;
}
export type DisconnectResult = ({ status: 'disconnected' } & Omit<Disconnected, 'success'>) | Failed;
export type RefreshResult = ({ status: 'refreshed' } & Omit<Refreshed, 'success'>) | Failed;

/** None of the actions rejects, so each can be a click's handler. */
export interface EvergrantClient {
  getSnapshot(): Snapshot;
  /** What was known at first, and a server rendered with. */
  getServerSnapshot(): Snapshot;
  subscribe(listener: () => void): () => void;
  /** Calls back with what happens; until what it answers is called. What a listener throws is reported, no more. */
  on(listener: (event: ClientEvent) => void): () => void;
  /** Reads the status, keeps it up to date, and finishes a flow that has come back to this page. */
  start(): () => void;
  /** Opens the platform's consent page, so it must be called in a click. */
  connect(provider: ProviderId, options?: ConnectOptions): Promise<ConnectResult>;
  reconnect(provider: ProviderId, accountId: string, options?: ConnectOptions): Promise<ConnectResult>;
  /** `deleteData`: also what was collected from the account. */
  disconnect(
    provider: ProviderId,
    accountId: string,
    options?: { deleteData?: boolean },
  ): Promise<DisconnectResult>;
  /** Renews the account's token now. */
  refresh(provider: ProviderId, accountId: string): Promise<RefreshResult>;
  /** Gives up the flow that is under way. */
  cancel(): void;
  /** Opens the flow's window once more. */
  reopen(): void;
  /** Answers a flow of step `choose`. */
  chooseAccounts(accountIds: readonly string[]): Promise<void>;
  /** Answers a flow of step `credentials`. */
  submitCredentials(values: Record<string, string>): Promise<void>;
  /** Forgets a flow that is over. */
  dismiss(): void;
  /** Reads the status now. */
  reload(): Promise<void>;
  /** A picture's address as this page can load it. */
  imageUrl(address: string): string;
}
