import { useEffect, useSyncExternalStore } from 'react';
import { backoff } from '../client/backoff.js';
import { onReturn } from '../client/page.js';
import { createStore } from '../client/store.js';
import type * as Extras from './extras/index.js';
import { loadExtras } from './loadExtras.js';

const loaded = createStore<typeof Extras | null>(null);

const nothing = () => {};

/**
 * The part of the components that is loaded after the list; null until then, and while it is not wanted. `onFailure`
 * where it cannot be loaded, so that nobody waits for it.
 */
export function useExtras(wanted: boolean, onFailure = nothing): typeof Extras | null {
  const extras = useSyncExternalStore(loaded.subscribe, loaded.get, () => null);
  const isLacking = wanted && !extras;
  useEffect(() => (isLacking ? load(onFailure) : undefined), [isLacking, onFailure]);
  return wanted ? extras : null;
}

/** Tries until it is there: after longer and longer pauses, and when the page comes back. Until it is called off. */
function load(onFailure: () => void): () => void {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout>;
  let isOff = false;
  function attempt(): void {
    clearTimeout(timer);
    loadExtras().then(loaded.set, () => {
      if (isOff) return;
      timer = setTimeout(attempt, backoff(++failures));
      onFailure();
    });
  }
  const deaf = onReturn(attempt);
  attempt();
  return () => {
    isOff = true;
    clearTimeout(timer);
    deaf();
  };
}
