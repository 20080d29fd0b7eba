import { lazy } from 'react';

/** Called early, so that the page's code comes together with the session. */
export const loadIntegrationsPage = () => import('./IntegrationsRoute.js');

export const IntegrationsRoute = lazy(loadIntegrationsPage);
