import { useSyncExternalStore } from 'react';
import type { Snapshot } from '../client/snapshot.js';
import { useEvergrantClient } from './context.js';

/**
 * Returns a part of the client's state. Renders again only when that part changes, so `select` must return values with a
 * stable identity.
 */
export function useSnapshot<T>(select: (snapshot: Snapshot) => T): T {
  const { subscribe, getSnapshot, getServerSnapshot } = useEvergrantClient();
  return useSyncExternalStore(
    subscribe,
    () => select(getSnapshot()),
    () => select(getServerSnapshot()),
  );
}
