import { useEffect, useSyncExternalStore } from 'react';
import { backoff } from '../client/backoff.js';
import { onReturn } from '../client/page.js';
import { createStore } from '../client/store.js';
import type * as Extras from './extras/index.js';
import { loadExtras } from './loadExtras.js';

const loaded = createStore<typeof Extras | null>(null);

const ignore = () => {};

/**
 * Returns the components that are loaded on demand; null until they are loaded, and while `needed` is false. Calls
 * `onFailure` after each failed attempt, so that the caller can stop waiting.
 */
export function useExtras(needed: boolean, onFailure = ignore): typeof Extras | null {
  const extras = useSyncExternalStore(loaded.subscribe, loaded.get, () => null);
  const isMissing = needed && !extras;
  useEffect(() => (isMissing ? load(onFailure) : undefined), [isMissing, onFailure]);
  return needed ? extras : null;
}

/** Loads the components; retries with backoff and when the user returns to the page. Returns the function that stops it. */
function load(onFailure: () => void): () => void {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout>;
  let isStopped = false;
  function attempt(): void {
    clearTimeout(timer);
    loadExtras().then(loaded.set, () => {
      if (isStopped) return;
      timer = setTimeout(attempt, backoff(++failures));
      onFailure();
    });
  }
  const stopListening = onReturn(attempt);
  attempt();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    stopListening();
  };
}
