/**
 * Page object for one browser profile at the console: the user's actions, and a check for leaked
 * secrets.
 */
import assert from 'node:assert/strict';
import { Recorder } from './recorder.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{ person?: string, answer?: 'allow' | 'deny', without?: string[], misbehave?: string }} Consent
 */

export class Visit {
  /** @type {Page} */
  page = /** @type {any} */ (undefined);
  #env;
  #profile;
  #recorder;
  #secrets = new Set();
  /** @type {RegExp[]} */
  #expectedFaults = [];

  /**
   * @param {import('./environment.mjs').Environment} env
   * @param {import('playwright-core').BrowserContext} profile
   */
  constructor(env, profile) {
    this.#env = env;
    this.#profile = profile;
    this.#recorder = new Recorder(profile, env.url);
    profile.setDefaultTimeout(60_000);
  }

  get profile() {
    return this.#profile;
  }

  async prepare() {
    await this.#recorder.recordViolations();
  }

  /**
   * Signs in through a single-use portal link, as the user of an app does.
   * @param {number} userId
   */
  async signIn(userId) {
    const link = await this.#env.portalLink(userId);
    const response = await this.#profile.request.get(link, { maxRedirects: 0 });
    assert.equal(response.status(), 303, 'the portal link opens');
    const first = new URL(response.headers().location ?? '', this.#env.url);
    assert.equal(first.href, `${this.#env.url}/integrations`);
  }

  /** Opens the console in a new tab and waits for its list. */
  async open(path = '/integrations') {
    const page = await this.#profile.newPage();
    await page.goto(this.#env.url + path);
    await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
    // Part of what is loaded after the list.
    await page.waitForSelector('.eg-toaster', { state: 'attached' });
    this.page ??= page;
    return page;
  }

  /** The card of a platform. @param {string} name of the platform */
  card(name, page = this.page) {
    return page.getByRole('article', { name, exact: true });
  }

  /** The row of a connected account. @param {string} name of the account */
  row(name, page = this.page) {
    return page.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) });
  }

  /**
   * Starts to connect an account and returns the popup once it shows the consent page.
   * @param {string} name of the platform @param {string} button
   */
  async openConsent(name, button = `Connect ${name}`) {
    const opened = this.page.waitForEvent('popup');
    await this.card(name).getByRole('button', { name: button, exact: true }).click();
    const popup = await opened;
    await popup.waitForSelector('button[name=decision]');
    return popup;
  }

  /**
   * Connects an account in a popup and waits until the popup has closed.
   * @param {string} name of the platform @param {Consent & { button?: string }} options
   */
  async connect(name, options = {}) {
    const popup = await this.openConsent(name, options.button);
    const closed = popup.waitForEvent('close');
    await submitConsent(popup, options);
    await closed;
  }

  /** From now on Reddit's consent page keeps `window.opener`, as few platforms do. */
  async keepOpener() {
    await this.page.route('**/connect/reddit', async (route) => {
      const response = await route.fetch();
      const started = await response.json();
      const authUrl = `${started.authUrl}&misbehave=coop-off`;
      await route.fulfill({ response, json: { ...started, authUrl } });
    });
  }

  /**
   * Opens an account's menu and waits until its animation has ended: Playwright scrolls the page before it repeats a
   * click on a moving item, and then misses the menu, which follows its button.
   * @param {string} account
   */
  async openMenu(account) {
    const name = `Actions for ${account}`;
    await this.page.getByRole('button', { name }).click();
    await this.page.getByRole('menu', { name }).evaluate((menu) => {
      const animations = menu.closest('[popover]')?.getAnimations() ?? [];
      return Promise.all(animations.map(({ finished }) => finished));
    });
  }

  /** Chooses an item of an account's menu. @param {string} account @param {string} action */
  async chooseAction(account, action) {
    await this.openMenu(account);
    await this.page.getByRole('menuitem', { name: action, exact: true }).click();
  }

  /** Waits for a toast. @param {string | RegExp} text */
  async waitForToast(text) {
    await this.page.locator('.eg-toast', { hasText: text }).last().waitFor();
  }

  /** Adds texts that no page may display, store, send or log. @param {...string} texts */
  addSecrets(...texts) {
    for (const text of texts) if (text.length >= 8) this.#secrets.add(text);
  }

  /**
   * Expects a fault that the test provokes: it must occur, and is not reported.
   * @param {RegExp} fault
   */
  expectFault(fault) {
    this.#expectedFaults.push(fault);
  }

  /** Adds the access tokens of all accounts of a user, read with the API key. */
  async addTokensAsSecrets(userId = 1) {
    for (const { provider, providerAccountId } of await this.#env.accounts(userId)) {
      const path = `token/${provider}/${encodeURIComponent(providerAccountId)}`;
      const { accessToken } = await this.#env.api(path, { userId });
      if (accessToken) this.addSecrets(accessToken);
    }
  }

  /** Closes the profile and returns its unexpected faults. */
  async close() {
    const cookies = await this.#profile.cookies();
    this.addSecrets(this.#env.program.apiKey, ...cookies.map(({ value }) => value));
    for (const userId of [1, 2]) await this.addTokensAsSecrets(userId);
    const faults = await this.#recorder.findFaults(this.#secrets);
    await this.#profile.close();
    for (const expected of this.#expectedFaults) {
      assert(
        faults.some((fault) => expected.test(fault)),
        `${expected} is not in ${faults.join()}`,
      );
    }
    return faults.filter((fault) => !this.#expectedFaults.some((expected) => expected.test(fault)));
  }
}

/** Submits the platform's consent page. @param {Page} page @param {Consent} options */
export async function submitConsent(page, { person, answer = 'allow', without = [], misbehave } = {}) {
  if (person) await page.check(`input[name=person][value=${person}]`);
  for (const scope of without) await page.uncheck(`input[name=scope][value="${scope}"]`);
  if (misbehave) await page.selectOption('select[name=misbehave]', misbehave);
  await page.click(`button[name=decision][value=${answer}]`);
}
