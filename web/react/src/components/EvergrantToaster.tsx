import { useEffect, useState } from 'react';
import type { ClientEvent } from '../client/client-types.js';
import { useEvergrantClient } from '../react/context.js';
import { useAfterFirst } from './useAfterFirst.js';
import { useExtras } from './useExtras.js';

/** Says what has just happened, above everything, and then goes. `IntegrationsPage` has it; put it once elsewhere. */
export function EvergrantToaster() {
  const client = useEvergrantClient();
  const [early] = useState<ClientEvent[]>(() => []);
  const extras = useExtras(useAfterFirst());
  const isReady = extras !== null;
  // What happens before the rest is loaded is told once it is.
  useEffect(() => (isReady ? undefined : client.on((event) => early.push(event))), [client, early, isReady]);
  return extras && <extras.Toasts early={early} />;
}
