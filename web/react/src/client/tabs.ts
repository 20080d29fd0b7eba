/**
 * Communication between the tabs of the site. Messages say only that something has changed; each tab then reads the
 * change from the server with its own credential.
 *
 * Web Locks require a secure context. Without them, as on plain http off loopback, each tab holds its own stream.
 */
import { until } from './pause.js';

/** The state of a flow has changed. */
export interface FlowChangedMessage {
  type: 'flow';
  /** The flow. */
  flowId: string;
}

/** The user's integrations have changed; after a reset, any of them, and the version may be lower than before. */
export interface ChangedMessage {
  /** Whether all of them are to be read again. */
  type: 'changed' | 'reset';
  /** The server and the user. */
  scope: string;
  /** The user's version after the change. */
  version: number;
}

/** The leading tab's stream was opened or closed. */
export interface LiveMessage {
  type: 'live';
  /** The server and the user. */
  scope: string;
  /** Whether the stream is open. */
  live: boolean;
}

/** A new tab requests a `live` message from the leading one. */
export interface HelloMessage {
  type: 'hello';
  /** The server and the user. */
  scope: string;
}

/** A message between tabs. */
export type TabMessage = FlowChangedMessage | ChangedMessage | LiveMessage | HelloMessage;

/** The tabs of the site. */
export interface Tabs {
  /** Sends a message to the other tabs. */
  post(message: TabMessage): void;
  /** Calls `listener` with the messages of other tabs. Returns the function that unsubscribes. */
  listen(listener: (message: TabMessage) => void): () => void;
  /**
   * Calls `run` once this tab leads its scope, and the function that it returned when the tab no longer does. Returns
   * the function that gives the lead to another tab.
   */
  lead(scope: string, run: () => () => void): () => void;
}

const NAME = 'evergrant';

/** Creates the `Tabs` of the current window, on `BroadcastChannel` and Web Locks. */
export function createTabs(): Tabs {
  const hasChannel = 'BroadcastChannel' in globalThis;
  const hasLocks = hasChannel && 'locks' in navigator;
  /** Messages are sent through the channel that listens, if there is one, because it does not receive its own. */
  let listening: BroadcastChannel | undefined;
  return {
    post(message) {
      if (!hasChannel) return;
      const channel = listening ?? new BroadcastChannel(NAME);
      channel.postMessage(message);
      if (channel !== listening) channel.close();
    },
    listen(listener) {
      if (!hasChannel) return () => {};
      const channel = (listening = new BroadcastChannel(NAME));
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (isMessage(data)) listener(data);
      };
      return () => {
        channel.close();
        listening = undefined;
      };
    },
    lead(scope, run) {
      if (!hasLocks) return run();
      const controller = new AbortController();
      const { signal } = controller;
      void navigator.locks.request(`${NAME}:${scope}`, { signal }, () => until(signal, run)).catch(() => {});
      return () => controller.abort();
    },
  };
}

function isMessage(data: unknown): data is TabMessage {
  return typeof data === 'object' && data !== null && 'type' in data;
}
