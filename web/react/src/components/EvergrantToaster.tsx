import { useEffect, useState } from 'react';
import type { ClientEvent } from '../client/client-types.js';
import { useEvergrantClient } from '../react/context.js';
import { useAfterFirstRender } from './useAfterFirstRender.js';
import { useExtras } from './useExtras.js';

/**
 * Shows each event for a few seconds, above everything else. `IntegrationsPage` contains it; render it once on pages
 * without that component.
 */
export function EvergrantToaster() {
  const client = useEvergrantClient();
  const [early] = useState<ClientEvent[]>(() => []);
  const extras = useExtras(useAfterFirstRender());
  const isReady = extras !== null;
  // Events that occur before the toasts are loaded are shown afterwards.
  useEffect(() => (isReady ? undefined : client.on((event) => early.push(event))), [client, early, isReady]);
  return extras && <extras.Toasts early={early} />;
}
