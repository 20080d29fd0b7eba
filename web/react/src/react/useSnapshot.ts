import { useSyncExternalStore } from 'react';
import type { Snapshot } from '../client/snapshot.js';
import { useEvergrantClient } from './context.js';

/** A part of what is known; renders again when that part changes. */
export function useSnapshot<T>(select: (snapshot: Snapshot) => T): T {
  const { subscribe, getSnapshot, getServerSnapshot } = useEvergrantClient();
  return useSyncExternalStore(
    subscribe,
    () => select(getSnapshot()),
    () => select(getServerSnapshot()),
  );
}
