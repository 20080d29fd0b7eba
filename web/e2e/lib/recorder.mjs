/**
 * Records what a browser profile sends, receives, displays, stores and logs, and searches it for
 * faults.
 */
import { collectErrors } from '../../console/scripts/audit.mjs';

/** @typedef {import('playwright-core').Page} Page */

export class Recorder {
  #profile;
  #origin;
  /** Errors, warnings and CSP violations. */
  #faults;
  /** Where a text was seen, and the text. @type {[string, string][]} */
  #records = [];
  /** @type {Promise<void>[]} */
  #responses = [];

  /**
   * @param {import('playwright-core').BrowserContext} profile @param {string} origin of the console
   */
  constructor(profile, origin) {
    this.#profile = profile;
    this.#origin = origin;
    this.#faults = collectErrors(profile);
    profile.on('console', (message) => this.#record('the console', message.text()));
    profile.on('request', (request) => this.#recordRequest(request));
    profile.on('requestfinished', (request) => this.#responses.push(this.#recordResponse(request)));
    profile.on('page', (page) => page.on('framenavigated', (frame) => this.#record('a URL', frame.url())));
  }

  /** Records CSP violations too, including those that the browser does not log. */
  async recordViolations() {
    await this.#profile.exposeFunction('reportViolation', (/** @type {string} */ violation) =>
      this.#faults.push(`CSP violation: ${violation}`),
    );
    await this.#profile.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) =>
        /** @type {any} */ (window).reportViolation(`${effectiveDirective} ${blockedURI} ${sample}`),
      );
    });
  }

  /**
   * Returns all faults, and each place where one of the secrets occurs.
   * @param {Iterable<string>} secrets @returns {Promise<string[]>}
   */
  async findFaults(secrets) {
    await Promise.all(this.#responses);
    const pages = this.#profile.pages().filter((page) => page.url().startsWith(this.#origin));
    for (const page of pages) await this.#recordPage(page);
    const leaks = [...secrets].flatMap((secret) =>
      this.#records.filter(([, text]) => text.includes(secret)).map(([where]) => `${secret} is in ${where}`),
    );
    return [...this.#faults, ...new Set(leaks)];
  }

  /** @param {Page} page */
  async #recordPage(page) {
    const { document, storage } = await contentOf(page);
    this.#record('the document', document);
    this.#record('storage', storage);
    // A finished flow leaves at most a marker: its verifier and its receipt are erased.
    if (/verifier|receipt/.test(storage)) this.#faults.push('a verifier or receipt is left in storage');
    if (/receipt|flowId/.test(page.url())) this.#faults.push(`flow parameters are left in ${page.url()}`);
  }

  /** @param {import('playwright-core').Request} request */
  #recordRequest(request) {
    this.#record('a URL', request.url());
    const { cookie: _cookie, ...headers } = request.headers();
    if (request.url().startsWith(this.#origin)) this.#record('a header', JSON.stringify(headers));
  }

  /** @param {import('playwright-core').Request} request */
  async #recordResponse(request) {
    if (!request.url().startsWith(this.#origin)) return;
    // Rejects if the page has closed in the meantime.
    const response = await request.response().catch(() => null);
    if (!response || !/json/.test(response.headers()['content-type'] ?? '')) return;
    const where = `a response of ${new URL(request.url()).pathname}`;
    this.#record(where, await response.text().catch(() => ''));
  }

  /** @param {string} where @param {string} text */
  #record(where, text) {
    this.#records.push([where, text]);
  }
}

/**
 * Returns all that a page displays and stores; empty if it has closed in the meantime.
 * @param {Page} page
 */
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
