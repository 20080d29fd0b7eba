/** The console's own page to which consents come back: no React, a few kilobytes, shown for a moment. */
import { runReturnPage } from '@evergrant/react/return';
import '@evergrant/react/styles.css';
import '../styles/base.css';
import { csrfHeader, readSession } from '../session/session.js';
import { localeOf } from '../words/language-of.js';

const HOME = '/';

async function run(): Promise<void> {
  const locale = localeOf(navigator.languages);
  document.documentElement.lang = locale;
  const texts = locale === 'fr' ? (await import('@evergrant/react/locales/fr')).fr.returned : undefined;
  const element = document.getElementById('said') ?? document.body;
  await runReturnPage({ element, home: HOME, headers, ...(texts && { texts }) });
}

/** Asked for only where there is something to send: whoever was sent a link of somebody else's may have no session. */
let session: ReturnType<typeof readSession> | undefined;
async function headers(): Promise<Record<string, string>> {
  const known = await (session ??= readSession());
  return known ? csrfHeader(known.csrfToken) : {};
}

// The list knows better than this page what became of it all.
run().catch(() => location.replace(HOME));
