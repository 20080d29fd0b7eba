import { createContext, useContext } from 'react';
import type { EvergrantClient } from '../client/client-types.js';

/** The client of the nearest `EvergrantProvider`; null without one. */
export const ClientContext = createContext<EvergrantClient | null>(null);

/**
 * Returns the client of the nearest `EvergrantProvider`, for what the other hooks do not cover.
 *
 * @throws Error if there is no `EvergrantProvider` above the component.
 */
export function useEvergrantClient(): EvergrantClient {
  const client = useContext(ClientContext);
  if (!client) throw new Error('No <EvergrantProvider> above this component');
  return client;
}
