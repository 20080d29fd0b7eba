/**
 * The console's OAuth return page, where a platform's consent page sends the browser. Without
 * React: a few kilobytes, displayed for a moment.
 */
import { runReturnPage } from '@evergrant/react/return';
import '@evergrant/react/styles.css';
import '../styles/base.css';
import { APP, BASE } from '../base.js';
import { detectLocale } from '../i18n/detect-locale.js';
import { csrfHeader, readSession } from '../session/session.js';

const HOME = `${BASE}/`;

async function run(): Promise<void> {
  showApp();
  const locale = detectLocale(navigator.languages);
  document.documentElement.lang = locale;
  const texts = locale === 'fr' ? (await import('@evergrant/react/locales/fr')).fr.returned : undefined;
  const element = document.getElementById('result') ?? document.body;
  await runReturnPage({ element, baseUrl: BASE, home: HOME, headers, ...(texts && { texts }) });
}

/** Shows the app's name and logo in the place of Evergrant's. */
function showApp(): void {
  const name = document.querySelector('.app-name');
  if (name) name.textContent = APP.name;
  if (!APP.logo) return;
  const logo = new Image();
  Object.assign(logo, { src: APP.logo, alt: '', className: 'logo', height: 28 });
  document.querySelector('.mark')?.replaceWith(logo);
}

/**
 * Read only if there is a request to send: a browser that followed another user's link may have no
 * session.
 */
let session: ReturnType<typeof readSession> | undefined;
async function headers(): Promise<Record<string, string>> {
  const known = await (session ??= readSession());
  return known ? csrfHeader(known.csrfToken) : {};
}

// The list shows the outcome of the flow, so a failed return page leads there.
run().catch(() => location.replace(HOME));
