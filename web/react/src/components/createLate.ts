import { useEffect, useSyncExternalStore } from 'react';
import { backoff } from '../client/backoff.js';
import { onReturn } from '../client/page.js';
import { createStore } from '../client/store.js';

const ignore = () => {};

/**
 * Returns a hook for a module that is loaded on demand; null until it is loaded, and while `needed` is false. The hook
 * calls `onFailure` after each failed attempt, so that the caller can stop waiting.
 */
export function createLate<Module>(
  load: () => Promise<Module>,
): (needed: boolean, onFailure?: () => void) => Module | null {
  const loaded = createStore<Module | null>(null);
  const request = createRequest(load, loaded.set);
  return function useLate(needed, onFailure = ignore) {
    const found = useSyncExternalStore(loaded.subscribe, loaded.get, () => null);
    const isMissing = needed && !found;
    useEffect(() => (isMissing ? request(onFailure) : undefined), [isMissing, onFailure]);
    return needed ? found : null;
  };
}

/**
 * Returns a function that loads the module, retrying with backoff and when the user returns to the page. It returns a
 * function that stops it.
 */
function createRequest<Module>(load: () => Promise<Module>, onLoad: (module: Module) => void) {
  return function request(onFailure: () => void): () => void {
    let failures = 0;
    let timer: ReturnType<typeof setTimeout>;
    let isStopped = false;
    function attempt(): void {
      clearTimeout(timer);
      load().then(onLoad, () => {
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
  };
}
