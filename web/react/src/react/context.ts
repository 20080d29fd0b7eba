import { createContext, useContext } from 'react';
import type { EvergrantClient } from '../client/client-types.js';

export const ClientContext = createContext<EvergrantClient | null>(null);

/** The client of the nearest provider, for what the hooks do not cover. */
export function useEvergrantClient(): EvergrantClient {
  const client = useContext(ClientContext);
  if (!client) throw new Error('Put an <EvergrantProvider> above whatever uses Evergrant');
  return client;
}
