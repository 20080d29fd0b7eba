/** Sees all that a browser profile shows, keeps, sends and says, to tell afterwards what of it should not have been. */
import { listen } from '../../console/scripts/examine.mjs';

/** @typedef {import('playwright-core').Page} Page */

export class Witness {
  #profile;
  #origin;
  /** Errors, warnings, and reports of a policy. */
  #faults;
  /** Where something was seen, and what. @type {[string, string][]} */
  #seen = [];
  /** @type {Promise<void>[]} */
  #answers = [];

  /** @param {import('playwright-core').BrowserContext} profile @param {string} origin the console's */
  constructor(profile, origin) {
    this.#profile = profile;
    this.#origin = origin;
    this.#faults = listen(profile);
    profile.on('console', (message) => this.#see('the console', message.text()));
    profile.on('request', (request) => this.#seeRequest(request));
    profile.on('requestfinished', (request) => this.#answers.push(this.#seeAnswer(request)));
    profile.on('page', (page) => page.on('framenavigated', (frame) => this.#see('an address', frame.url())));
  }

  /** Also of what the console does not hear of. */
  async hearReports() {
    await this.#profile.exposeFunction('reportOfPolicy', (/** @type {string} */ report) =>
      this.#faults.push(`the policy: ${report}`),
    );
    await this.#profile.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) =>
        /** @type {any} */ (window).reportOfPolicy(`${effectiveDirective} ${blockedURI} ${sample}`),
      );
    });
  }

  /** What was wrong, and each place where one of the secrets is. @param {Iterable<string>} secrets @returns {Promise<string[]>} */
  async tell(secrets) {
    await Promise.all(this.#answers);
    const pages = this.#profile.pages().filter((page) => page.url().startsWith(this.#origin));
    for (const page of pages) await this.#search(page);
    const found = [...secrets].flatMap((secret) =>
      this.#seen.filter(([, text]) => text.includes(secret)).map(([where]) => `${secret} is in ${where}`),
    );
    return [...this.#faults, ...new Set(found)];
  }

  /** @param {Page} page */
  async #search(page) {
    const { document, storage } = await contentOf(page);
    this.#see('the document', document);
    this.#see('storage', storage);
    // A flow that is over leaves a note at most; what proves who began it goes, and so does what came back with it.
    if (/verifier|receipt/.test(storage)) this.#faults.push('a verifier is left in storage');
    if (/receipt|flowId/.test(page.url())) this.#faults.push(`what came back is left in ${page.url()}`);
  }

  /** @param {import('playwright-core').Request} request */
  #seeRequest(request) {
    this.#see('an address', request.url());
    const { cookie: _cookie, ...headers } = request.headers();
    if (request.url().startsWith(this.#origin)) this.#see('a header', JSON.stringify(headers));
  }

  /** @param {import('playwright-core').Request} request */
  async #seeAnswer(request) {
    if (!request.url().startsWith(this.#origin)) return;
    // Of a page that has closed meanwhile there is nothing to read.
    const response = await request.response().catch(() => null);
    if (!response || !/json/.test(response.headers()['content-type'] ?? '')) return;
    const where = `an answer of ${new URL(request.url()).pathname}`;
    this.#see(where, await response.text().catch(() => ''));
  }

  /** @param {string} where @param {string} text */
  #see(where, text) {
    this.#seen.push([where, text]);
  }
}

/** All that a page shows and keeps; nothing where it has closed meanwhile. @param {Page} page */
async function contentOf(page) {
  const read = page.evaluate(() => {
    const values = [...document.querySelectorAll('input, textarea')].map(
      (one) => /** @type {any} */ (one).value,
    );
    const stored = [localStorage, sessionStorage].map((store) => JSON.stringify({ ...store }));
    return {
      document: [document.documentElement.outerHTML, ...values].join('\n'),
      storage: stored.join('\n'),
    };
  });
  return read.catch((thrown) => {
    if (page.isClosed()) return { document: '', storage: '' };
    throw thrown;
  });
}
