import { EvergrantProvider, IntegrationsPage } from '@evergrant/react';
import { useContext } from 'react';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { LanguageContext } from '../words/language.js';
import { useTitle } from './useTitle.js';

/** The library's page, as any host app would use it: the cookie is the credential, the session brings the CSRF token. */
export default function IntegrationsRoute({ session, store }: { session: Session; store: SessionStore }) {
  const { words, messages } = useContext(LanguageContext);
  useTitle(words.nav.integrations);
  return (
    <EvergrantProvider
      userKey={String(session.user.id)}
      headers={store.headers}
      redirectUrl="/return"
      onUnauthorized={() => void store.load()}
      {...(messages && { messages })}
    >
      <IntegrationsPage />
    </EvergrantProvider>
  );
}
