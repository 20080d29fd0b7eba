/** What the server writes into the document. */

/** Returns the content of a `meta` element; an empty text if the document lacks it. */
const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? '';

/**
 * The path below which the server serves the console, such as `/grants`; empty at the root of a host.
 */
export const BASE = meta('base').replace(/\/$/, '');

/** The app to which the console belongs, as its users know it: `EVERGRANT_APP_NAME` and `EVERGRANT_APP_LOGO`. */
export const APP = {
  /** @default 'Evergrant' */
  name: meta('app-name') || 'Evergrant',
  /** URL of the logo; empty for Evergrant's own. */
  logo: meta('app-logo'),
};
