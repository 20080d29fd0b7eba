import { useSyncExternalStore } from 'react';
import { Router } from 'wouter';
import { BASE } from './base.js';
import { ErrorBoundary } from './pages/ErrorBoundary.js';
import { Pages } from './pages/Pages.js';
import { SignedOutPage } from './pages/SignedOutPage.js';
import { UnavailablePage } from './pages/UnavailablePage.js';
import type { SessionStore } from './session/SessionStore.js';
import { Shell } from './shell/Shell.js';

/**
 * The console: its pages for a signed-in user, otherwise a message that says why there are none.
 */
export function App({ store }: { store: SessionStore }) {
  return (
    <ErrorBoundary standalone>
      <Router base={BASE}>
        <AppForSession store={store} />
      </Router>
    </ErrorBoundary>
  );
}

function AppForSession({ store }: { store: SessionStore }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  switch (state.status) {
    case 'signed-out':
      return <SignedOutPage {...state} />;
    case 'unavailable':
      return <UnavailablePage onRetry={() => store.retry()} />;
    case 'loading':
      return <Shell />;
    case 'signed-in':
      return (
        <Shell session={state.session} store={store}>
          <Pages session={state.session} store={store} />
        </Shell>
      );
  }
}
