/** One browser profile at the console: what a person does in it, and what of it must not be there afterwards. */
import assert from 'node:assert/strict';
import { listen } from '../../console/scripts/examine.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{ person?: string, answer?: 'allow' | 'deny', without?: string[], misbehave?: string }} Consent
 */

export class Visit {
  /** @type {Page} */
  page = /** @type {any} */ (undefined);
  #stage;
  #profile;
  #said;
  /** Every address that a page of the console had. */
  #addresses = new Set();
  #secrets = new Set();

  /** @param {import('./stage.mjs').Stage} stage @param {import('playwright-core').BrowserContext} profile */
  constructor(stage, profile) {
    this.#stage = stage;
    this.#profile = profile;
    this.#said = listen(profile);
    profile.on('console', (message) => this.#said.push(...this.#leaks('console', message.text())));
    profile.on('page', (page) => page.on('framenavigated', (frame) => this.#addresses.add(frame.url())));
    profile.setDefaultTimeout(10_000);
  }

  get profile() {
    return this.#profile;
  }

  /** As the console's own switch does it. @param {number} userId */
  async signIn(userId) {
    const { request } = this.#profile;
    const { url } = this.#stage;
    // Whoever opens it in `dev` is the first of the people.
    await request.get(url);
    const session = await (await request.get(`${url}/console/session`)).json();
    if (session.user.id === userId) return;
    const headers = { 'x-csrf-token': session.csrfToken, origin: url };
    const answer = await request.post(`${url}/console/session`, { data: { userId }, headers });
    assert(answer.ok(), `POST /console/session: ${answer.status()}`);
  }

  /** Another tab of the console, whose list is there. */
  async open(path = '/integrations') {
    const page = await this.#profile.newPage();
    await page.goto(this.#stage.url + path);
    await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
    // What is loaded after the list.
    await page.waitForSelector('.eg-toaster', { state: 'attached' });
    this.page ??= page;
    return page;
  }

  /** @param {string} name of the platform */
  card(name, page = this.page) {
    return page.getByRole('article', { name, exact: true });
  }

  /** @param {string} name of the account */
  row(name, page = this.page) {
    return page.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) });
  }

  /** Begins to connect; answers the platform's window. @param {string} name of the platform @param {string} button */
  async begin(name, button = `Connect ${name}`) {
    const opened = this.page.waitForEvent('popup');
    await this.card(name).getByRole('button', { name: button, exact: true }).click();
    const popup = await opened;
    await popup.waitForSelector('button[name=decision]');
    return popup;
  }

  /** Connects in a window, as a person does. @param {string} name of the platform @param {Consent & { button?: string }} how */
  async connect(name, how = {}) {
    const popup = await this.begin(name, how.button);
    const closed = popup.waitForEvent('close');
    await consent(popup, how);
    await closed;
  }

  /** @param {string} account @param {string} action */
  async choose(account, action) {
    await this.page.getByRole('button', { name: `Actions for ${account}` }).click();
    await this.page.getByRole('menuitem', { name: action, exact: true }).click();
  }

  /** What was said in the corner. @param {string | RegExp} text */
  async told(text) {
    await this.page.locator('.eg-toast', { hasText: text }).waitFor();
  }

  /** What no page may show or keep from now on. @param {...string} texts */
  hide(...texts) {
    for (const text of texts) if (text.length >= 8) this.#secrets.add(text);
  }

  /** The platforms' tokens for everything that the user has connected, as the app's server would read them. */
  async hideTokens(userId = 1) {
    for (const { provider, providerAccountId } of await this.#stage.accounts(userId)) {
      const path = `token/${provider}/${encodeURIComponent(providerAccountId)}`;
      const { accessToken } = await this.#stage.api(path, { userId });
      if (accessToken) this.hide(accessToken);
    }
  }

  /** Closes the profile; answers what was wrong with it. */
  async end() {
    if (this.#profile.browser()?.isConnected()) await this.#search();
    await this.#profile.close();
    return this.#said;
  }

  async #search() {
    await this.hideTokens(1);
    await this.hideTokens(2);
    this.#said.push(...this.#leaks('an address', [...this.#addresses].join('\n')));
    const pages = this.#profile.pages().filter((page) => page.url().startsWith(this.#stage.url));
    for (const page of pages) {
      const kept = await contentOf(page);
      for (const [where, text] of Object.entries(kept)) this.#said.push(...this.#leaks(where, text));
      // A flow that is over leaves a note at most; what proves who began it goes.
      if (/verifier|receipt/.test(kept.storage)) this.#said.push('a verifier is left in storage');
    }
  }

  /** @param {string} where @param {string} text */
  #leaks(where, text) {
    return [...this.#secrets]
      .filter((secret) => text.includes(secret))
      .map((secret) => `${secret} is in ${where}`);
  }
}

/** On the platform's page. @param {Page} page @param {Consent} how */
export async function consent(page, { person, answer = 'allow', without = [], misbehave } = {}) {
  if (person) await page.check(`input[name=person][value=${person}]`);
  for (const scope of without) await page.uncheck(`input[name=scope][value="${scope}"]`);
  if (misbehave) await page.selectOption('select[name=misbehave]', misbehave);
  await page.click(`button[name=decision][value=${answer}]`);
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
