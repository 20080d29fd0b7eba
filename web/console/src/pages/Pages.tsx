import { Suspense } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { ErrorBoundary } from './ErrorBoundary.js';
import { IntegrationsRoute } from './lazy.js';
import { NotFoundPage } from './NotFoundPage.js';
import { INTEGRATIONS, isIntegrations } from './paths.js';

/**
 * Which page an address shows. Each user has pages of their own, so that nothing of the one is left for the other; the
 * two addresses of one page have one.
 */
export function Pages({ session, store }: { session: Session; store: SessionStore }) {
  const [path] = useLocation();
  const page = isIntegrations(path) ? '/' : path;
  return (
    <ErrorBoundary key={`${session.user.id} ${page}`}>
      <Suspense>
        <Switch>
          <Route path={INTEGRATIONS}>
            <IntegrationsRoute session={session} store={store} />
          </Route>
          <Route>
            <NotFoundPage />
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}
