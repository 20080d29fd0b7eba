/**
 * The site's tabs among themselves. They tell each other only that something changed, never what: whoever hears it asks
 * the server, with a credential of its own.
 *
 * On plain http off loopback there are no Web Locks, so each tab has a stream of its own.
 */
import { until } from './pause.js';

export type TabMessage =
  | { type: 'flow'; flowId: string }
  | { type: 'changed'; scope: string; version: number }
  | { type: 'live'; scope: string; live: boolean }
  | { type: 'hello'; scope: string };

export interface Tabs {
  tell(message: TabMessage): void;
  listen(listener: (message: TabMessage) => void): () => void;
  /** Runs `run` once this tab leads its scope, and what it answered when it no longer does. */
  lead(scope: string, run: () => () => void): () => void;
}

const NAME = 'evergrant';

export function createTabs(): Tabs {
  const hasChannel = 'BroadcastChannel' in globalThis;
  const hasLocks = hasChannel && 'locks' in navigator;
  /** What speaks through the channel that listens does not hear itself. */
  let ear: BroadcastChannel | undefined;
  return {
    tell(message) {
      if (!hasChannel) return;
      const channel = ear ?? new BroadcastChannel(NAME);
      channel.postMessage(message);
      if (channel !== ear) channel.close();
    },
    listen(listener) {
      if (!hasChannel) return () => {};
      const channel = (ear = new BroadcastChannel(NAME));
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (isMessage(data)) listener(data);
      };
      return () => {
        channel.close();
        ear = undefined;
      };
    },
    lead(scope, run) {
      if (!hasLocks) return run();
      const gone = new AbortController();
      const { signal } = gone;
      void navigator.locks.request(`${NAME}:${scope}`, { signal }, () => until(signal, run)).catch(() => {});
      return () => gone.abort();
    },
  };
}

function isMessage(data: unknown): data is TabMessage {
  return typeof data === 'object' && data !== null && 'type' in data;
}
