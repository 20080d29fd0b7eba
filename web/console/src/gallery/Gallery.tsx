import { EvergrantProvider } from '@evergrant/react';
import { fr } from '@evergrant/react/locales/fr';
import { pseudo } from '@evergrant/react/locales/pseudo';
import { useEffect, useState } from 'react';
import { STATES } from '../../../react/gallery/states.js';
import { FRENCH } from '../i18n/french.js';
import { ENGLISH, LanguageContext } from '../i18n/language.js';
import { PAGES } from './pages.js';

/**
 * Renders the state named by `?state=page-mixed&locale=fr`; without `state`, a list of all states.
 */
export function Gallery({ query }: { query: URLSearchParams }) {
  const name = query.get('state') ?? '';
  const locale = query.get('locale');
  useEffect(() => {
    document.documentElement.lang = locale === 'fr' ? 'fr' : 'en';
    document.title = `${name || 'Gallery'} · Evergrant`;
  }, [name, locale]);
  const page = PAGES[name];
  const language = locale === 'fr' ? FRENCH : ENGLISH;
  if (page) return <LanguageContext.Provider value={language}>{page()}</LanguageContext.Provider>;
  return (
    <main className="gallery">
      {STATES[name] ? <LibraryState name={name} locale={locale} /> : <StateList />}
    </main>
  );
}

function LibraryState({ name, locale }: { name: string; locale: string | null }) {
  const [state] = useState(() => STATES[name]?.());
  const messages = locale === 'fr' ? fr : locale === 'pseudo' ? pseudo : undefined;
  if (!state) return null;
  return (
    <EvergrantProvider client={state.client} {...(messages && { messages })}>
      {state.view}
    </EvergrantProvider>
  );
}

function StateList() {
  return (
    <>
      <h1>Gallery</h1>
      <ul>
        {[...Object.keys(STATES), ...Object.keys(PAGES)].map((name) => (
          <li key={name}>
            <a href={`?state=${name}`}>{name}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
