import { useEffect, useState } from 'react';
import type * as Extras from './extras/index.js';

let loaded: typeof Extras | null = null;

async function load(): Promise<typeof Extras> {
  return (loaded = await import('./extras/index.js'));
}

const nothing = () => {};

/**
 * The part of the components that is loaded after the list; null until then, and while it is not wanted. `onFailure`
 * where it cannot be loaded, so that nobody waits for it.
 */
export function useExtras(wanted: boolean, onFailure: () => void = nothing): typeof Extras | null {
  const [extras, setExtras] = useState(loaded);
  useEffect(() => {
    if (!wanted || extras) return;
    let isGone = false;
    load().then(
      (found) => isGone || setExtras(found),
      () => isGone || onFailure(),
    );
    return () => {
      isGone = true;
    };
  }, [wanted, extras, onFailure]);
  return wanted ? extras : null;
}
