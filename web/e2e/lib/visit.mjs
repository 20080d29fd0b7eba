/** One browser profile at the console: what a person does in it, and what of it must not be there afterwards. */
import assert from 'node:assert/strict';
import { Witness } from './witness.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{ person?: string, answer?: 'allow' | 'deny', without?: string[], misbehave?: string }} Consent
 */

export class Visit {
  /** @type {Page} */
  page = /** @type {any} */ (undefined);
  #stage;
  #profile;
  #witness;
  #secrets = new Set();
  /** @type {RegExp[]} */
  #expected = [];

  /** @param {import('./stage.mjs').Stage} stage @param {import('playwright-core').BrowserContext} profile */
  constructor(stage, profile) {
    this.#stage = stage;
    this.#profile = profile;
    this.#witness = new Witness(profile, stage.url);
    profile.setDefaultTimeout(20_000);
  }

  get profile() {
    return this.#profile;
  }

  async prepare() {
    await this.#witness.hearReports();
  }

  /** As an app's user comes in, by a link that works once. @param {number} userId */
  async signIn(userId) {
    const link = await this.#stage.portalLink(userId);
    const answer = await this.#profile.request.get(link, { maxRedirects: 0 });
    assert.equal(answer.status(), 303, 'the portal link opens');
    assert.equal(new URL(answer.headers().location ?? '', this.#stage.url).pathname, '/integrations');
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

  /** From now on Reddit's page leaves its window its opener, as few platforms do. */
  async leaveOpeners() {
    await this.page.route('**/connect/reddit', async (route) => {
      const response = await route.fetch();
      const started = await response.json();
      const authUrl = `${started.authUrl}&misbehave=coop-off`;
      await route.fulfill({ response, json: { ...started, authUrl } });
    });
  }

  /** @param {string} account @param {string} action */
  async choose(account, action) {
    await this.page.getByRole('button', { name: `Actions for ${account}` }).click();
    await this.page.getByRole('menuitem', { name: action, exact: true }).click();
  }

  /** What was said in the corner. @param {string | RegExp} text */
  async told(text) {
    await this.page.locator('.eg-toast', { hasText: text }).last().waitFor();
  }

  /** What no page may show or keep from now on. @param {...string} texts */
  hide(...texts) {
    for (const text of texts) if (text.length >= 8) this.#secrets.add(text);
  }

  /** What a test brings about on purpose, and so has to be wrong. @param {RegExp} fault */
  expect(fault) {
    this.#expected.push(fault);
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
    const cookies = await this.#profile.cookies();
    this.hide(this.#stage.program.apiKey, ...cookies.map(({ value }) => value));
    for (const userId of [1, 2]) await this.hideTokens(userId);
    const found = await this.#witness.tell(this.#secrets);
    await this.#profile.close();
    for (const fault of this.#expected) {
      assert(
        found.some((one) => fault.test(one)),
        `${fault} is not in ${found.join()}`,
      );
    }
    return found.filter((one) => !this.#expected.some((fault) => fault.test(one)));
  }
}

/** On the platform's page. @param {Page} page @param {Consent} how */
export async function consent(page, { person, answer = 'allow', without = [], misbehave } = {}) {
  if (person) await page.check(`input[name=person][value=${person}]`);
  for (const scope of without) await page.uncheck(`input[name=scope][value="${scope}"]`);
  if (misbehave) await page.selectOption('select[name=misbehave]', misbehave);
  await page.click(`button[name=decision][value=${answer}]`);
}
