/** Entry point: requests the session, the page and the language in parallel, then renders. */
import { createRoot } from 'react-dom/client';
import '@evergrant/react/styles.css';
import './styles/base.css';
import './styles/shell.css';
import { App } from './App.js';
import { loadIntegrationsPage } from './pages/lazy.js';
import { SessionStore } from './session/SessionStore.js';
import { LanguageContext, loadLanguage } from './i18n/language.js';

async function start(): Promise<void> {
  const store = new SessionStore();
  void store.load();
  // Awaited to render without a loading state. The route reports a failed load itself.
  const page = loadIntegrationsPage().catch(() => {});
  const [language] = await Promise.all([loadLanguage(navigator.languages), page]);
  document.documentElement.lang = language.locale;
  createRoot(document.body.appendChild(document.createElement('div'))).render(
    <LanguageContext.Provider value={language}>
      <App store={store} />
    </LanguageContext.Provider>,
  );
}

void start();
