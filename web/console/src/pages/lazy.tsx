import { type ComponentProps, lazy, useState } from 'react';
import type Page from './IntegrationsRoute.js';

type Route = typeof Page;

let loaded: Route | undefined;

/** Called early, so that the page's code comes together with the session. */
export async function loadIntegrationsPage(): Promise<{ default: Route }> {
  const code = await import('./IntegrationsRoute.js');
  loaded = code.default;
  return code;
}

const Lazy = lazy(loadIntegrationsPage);

/** What is there already is shown at once; what React has to wait for, it holds back for 300 ms. */
export function IntegrationsRoute(props: ComponentProps<Route>) {
  const [Shown] = useState<Route | typeof Lazy>(() => loaded ?? Lazy);
  return <Shown {...props} />;
}
