import { EvergrantProvider, IntegrationsPage } from '@evergrant/react';
import { useContext } from 'react';
import { BASE } from '../base.js';
import { LanguageContext } from '../i18n/language.js';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { useTitle } from './useTitle.js';

/**
 * The library's Integrations page, set up as in any host app. Requests authenticate with the
 * session cookie and carry the session's CSRF token.
 */
export default function IntegrationsRoute({ session, store }: { session: Session; store: SessionStore }) {
  const { strings, messages } = useContext(LanguageContext);
  useTitle(strings.nav.integrations);
  return (
    <EvergrantProvider
      userKey={String(session.user.id)}
      headers={store.headers}
      baseUrl={BASE}
      redirectUrl={`${BASE}/return`}
      onUnauthorized={() => void store.load()}
      {...(messages && { messages })}
    >
      <IntegrationsPage />
    </EvergrantProvider>
  );
}
