import { Suspense } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { ErrorBoundary } from './ErrorBoundary.js';
import { IntegrationsRoute } from './lazy.js';
import { NotFoundPage } from './NotFoundPage.js';
import { INTEGRATIONS, isIntegrations } from './paths.js';

/**
 * Routes a path to its page. The key includes the user, so that switching users discards the state
 * of the previous one. The two paths of the Integrations page share one key, so that navigating
 * between them keeps a flow in progress.
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
