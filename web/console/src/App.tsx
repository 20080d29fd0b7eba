import { useSyncExternalStore } from 'react';
import { ClosedPage } from './pages/ClosedPage.js';
import { ErrorBoundary } from './pages/ErrorBoundary.js';
import { FailedPage } from './pages/FailedPage.js';
import { Pages } from './pages/Pages.js';
import type { SessionStore } from './session/SessionStore.js';
import { Shell } from './shell/Shell.js';

/** Shows the pages to whoever is signed in, and to anybody else why there is nothing to see. */
export function App({ store }: { store: SessionStore }) {
  return (
    <ErrorBoundary alone>
      <BySession store={store} />
    </ErrorBoundary>
  );
}

function BySession({ store }: { store: SessionStore }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  switch (state.status) {
    case 'closed':
      return <ClosedPage ended={state.ended} dev={state.dev} />;
    case 'failed':
      return <FailedPage onRetry={() => store.retry()} />;
    case 'loading':
      return <Shell />;
    case 'open':
      return (
        <Shell session={state.session} store={store}>
          <Pages session={state.session} store={store} />
        </Shell>
      );
  }
}
