import { type ReactNode, useEffect, useRef, useState } from 'react';
import { createClient } from '../client/client.js';
import type { ClientEvent, ClientOptions, EvergrantClient } from '../client/client-types.js';
import { ClientContext } from './context.js';

/** The props of `EvergrantProvider`, including the options of the client that it creates. */
export interface EvergrantProviderProps extends Omit<ClientOptions, 'page' | 'browser' | 'tabs'> {
  /**
   * The client to provide, such as the fake of `@evergrant/react/testing`. The options of the client are ignored then.
   *
   * @default a client created from the other props
   */
  client?: EvergrantClient;
  /** Called once for each event: connected, failed, disconnected, refreshed, needs-reconnect. */
  onEvent?: (event: ClientEvent) => void;
  /** The components that use the client. */
  children?: ReactNode;
}

/**
 * Provides a client to the hooks below it, and starts it while it is mounted. Function props may change with every
 * render; a change of `baseUrl` or `userKey` creates another client; other options are read once.
 */
export function EvergrantProvider(props: EvergrantProviderProps) {
  const { client, ...options } = props;
  if (client) return <ClientLifecycle {...props} client={client} />;
  return <OwnedProvider key={`${options.baseUrl}|${options.userKey}`} {...options} />;
}

/** Creates the client and keeps it while it is mounted. */
function OwnedProvider(props: EvergrantProviderProps) {
  const latest = useLatest(props);
  const [client] = useState(() => {
    const { client: _client, onEvent: _onEvent, children: _children, getToken, headers, ...rest } = props;
    return createClient({
      ...rest,
      ...(getToken && { getToken: () => latest.current.getToken?.() ?? null }),
      ...(headers && { headers: () => latest.current.headers?.() ?? {} }),
      onUnauthorized: () => latest.current.onUnauthorized?.(),
    });
  });
  return <ClientLifecycle {...props} client={client} />;
}

/** Starts the client while it is mounted and forwards its events. */
function ClientLifecycle({
  client,
  onEvent,
  children,
}: EvergrantProviderProps & { client: EvergrantClient }) {
  const latestOnEvent = useLatest(onEvent);
  useEffect(() => client.start(), [client]);
  useEffect(() => client.on((event) => latestOnEvent.current?.(event)), [client, latestOnEvent]);
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>;
}

/** Returns a ref to the value of the latest committed render. */
function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
