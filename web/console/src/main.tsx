/** The console's first page load: asks at once for what is needed, whatever comes first, and then shows it. */
import { createRoot } from 'react-dom/client';
import '@evergrant/react/styles.css';
import './styles/base.css';
import './styles/shell.css';
import { App } from './App.js';
import { loadIntegrationsPage } from './pages/lazy.js';
import { SessionStore } from './session/SessionStore.js';
import { LanguageContext, loadLanguage } from './words/language.js';

async function start(): Promise<void> {
  const store = new SessionStore();
  void store.load();
  // Waited for, so that it is shown at once. Its failure is told where the page is shown.
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
