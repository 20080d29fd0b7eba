import { type ComponentProps, lazy, useState } from 'react';
import type Page from './IntegrationsRoute.js';

type Route = typeof Page;

let loaded: Route | undefined;

/**
 * Loads the chunk of the Integrations page. Called at startup, in parallel with the session
 * request.
 */
export async function loadIntegrationsPage(): Promise<{ default: Route }> {
  const code = await import('./IntegrationsRoute.js');
  loaded = code.default;
  return code;
}

const Lazy = lazy(loadIntegrationsPage);

/**
 * The Integrations page, loaded on demand. If its chunk has loaded already, it renders at once:
 * `lazy` would suspend, and React delays the content of a suspended boundary by 300 ms.
 */
export function IntegrationsRoute(props: ComponentProps<Route>) {
  const [Shown] = useState<Route | typeof Lazy>(() => loaded ?? Lazy);
  return <Shown {...props} />;
}
