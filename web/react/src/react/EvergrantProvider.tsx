import { type ReactNode, useEffect, useRef, useState } from 'react';
import { createClient } from '../client/client.js';
import type { ClientEvent, ClientOptions, EvergrantClient } from '../client/client-types.js';
import { ClientContext } from './context.js';

export interface EvergrantProviderProps extends Omit<ClientOptions, 'page' | 'browser' | 'tabs'> {
  /** Instead of one made from the other properties, such as the fake of `@evergrant/react/testing`. */
  client?: EvergrantClient;
  /** What happens, once: connected, failed, disconnected, refreshed, needs-reconnect. */
  onEvent?: (event: ClientEvent) => void;
  children?: ReactNode;
}

/** Puts one client above all that shows integrations. Its functions may be new ones at each render. */
export function EvergrantProvider(props: EvergrantProviderProps) {
  const { client, ...options } = props;
  if (client) return <Started {...props} client={client} />;
  return <Made key={`${options.baseUrl}|${options.userKey}`} {...options} />;
}

function Made(props: EvergrantProviderProps) {
  const latest = useLatest(props);
  const [client] = useState(() => {
    const { client: _none, onEvent: _told, children: _shown, getToken, headers, ...rest } = props;
    return createClient({
      ...rest,
      ...(getToken && { getToken: () => latest.current.getToken?.() ?? null }),
      ...(headers && { headers: () => latest.current.headers?.() ?? {} }),
      onUnauthorized: () => latest.current.onUnauthorized?.(),
    });
  });
  return <Started {...props} client={client} />;
}

function Started({ client, onEvent, children }: EvergrantProviderProps & { client: EvergrantClient }) {
  const told = useLatest(onEvent);
  useEffect(() => client.start(), [client]);
  useEffect(() => client.on((event) => told.current?.(event)), [client, told]);
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>;
}

function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
