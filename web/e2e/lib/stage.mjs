/** What every test stands on: the program, the sandbox, the console, and a browser. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, afterEach, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { examine, sideways } from '../../console/scripts/examine.mjs';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import { Program } from './program.mjs';
import { Visit } from './visit.mjs';

/** @typedef {{ method?: string, userId?: number, body?: object | undefined }} Call */

/** Somebody who begins with nothing, and somebody else. */
export const DEMO = 1;
export const NEW = 2;
/** A browser in which nothing is open yet. */
export const NOBODY = 0;

/** One for a file of tests; each test leaves no account behind. @param {NodeJS.ProcessEnv} env */
export function stage(env = {}) {
  const here = new Stage(env);
  before(() => here.open());
  afterEach(() => here.tidy());
  after(() => here.close());
  return here;
}

export class Stage {
  /** Where the console is, or the app that is looked at instead. */
  url;
  program;
  /** @type {import('playwright-core').Browser | undefined} */
  #browser;
  /** @type {Visit[]} */
  #visits = [];

  /** @param {NodeJS.ProcessEnv} env @param {string} url of an app */
  constructor(env, url = '') {
    this.url = url;
    this.program = new Program(env);
  }

  async open() {
    this.#browser = await chromium.launch(CHROMIUM);
    await this.program.start();
    this.url ||= this.program.url;
    const document = await (await fetch(this.program.url)).text();
    assert.match(
      document,
      /\/assets\//,
      'the program was built before the console: npm run build, then cargo build',
    );
  }

  async close() {
    await this.#browser?.close();
    await this.program.remove();
  }

  /**
   * A browser of its own in which this user has opened the console; `clock`: whose time the test may turn.
   * @param {number} userId @param {import('playwright-core').BrowserContextOptions & { clock?: boolean }} options
   */
  async visit(userId = DEMO, { clock = false, ...options } = {}) {
    assert(this.#browser);
    const profile = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    // Before the first page: a timer that began without it would never hear of it.
    if (clock) await profile.clock.install();
    const visit = new Visit(this, profile);
    this.#visits.push(visit);
    await visit.prepare();
    if (userId === NOBODY) return visit;
    await visit.signIn(userId);
    await visit.open();
    return visit;
  }

  /** Opens the console as this user, once. @param {number} userId @returns {Promise<string>} */
  async portalLink(userId) {
    return (await this.#call('/api/sessions', { method: 'POST', body: { userId, portal: true } })).url;
  }

  /** With the API key, as an app's server calls. @param {string} path @param {Call} call @returns {Promise<any>} */
  async api(path, { method = 'GET', userId = DEMO, body } = {}) {
    return this.#call(`/api/integrations/${path}`, { method, userId, body });
  }

  /** Ends all sessions of a user, as their app may. @param {number} userId */
  async endSessions(userId) {
    await this.#call('/api/sessions', { method: 'DELETE', userId });
  }

  /** @param {string} path @param {Call} call */
  async #call(path, { method = 'GET', userId, body }) {
    const response = await fetch(this.program.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.program.apiKey}`,
        ...(userId && { 'evergrant-user': String(userId) }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return response.json();
  }

  /** @returns {Promise<import('@evergrant/react').Integration[]>} */
  async accounts(userId = DEMO) {
    return (await this.api('status', { userId })).integrations;
  }

  /** The sandbox's control API. @param {string} path @param {object} body */
  async control(path, body = {}) {
    const response = await fetch(`${this.program.sandbox}/control/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert(response.ok, `${path}: ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** No test finds what another has left; and none has said what it should not. */
  async tidy() {
    const visits = this.#visits.splice(0);
    const found = [];
    for (const visit of visits) found.push(...(await visit.end()));
    for (const userId of [DEMO, NEW]) {
      for (const { provider, providerAccountId } of await this.accounts(userId)) {
        await this.api(`disconnect/${provider}/${encodeURIComponent(providerAccountId)}`, {
          method: 'DELETE',
          userId,
        });
      }
    }
    await this.control('reset');
    assert.deepEqual(found, []);
  }
}

const SHOTS = new URL('../shots/', import.meta.url);

/**
 * Nothing of axe's on a screen and a phone, in both schemes, and no sideways scroll there nor on the narrowest; a picture
 * of each in `shots/`.
 * @param {import('playwright-core').Page} page @param {string} name of the picture
 */
export async function assertWellMade(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  const size = page.viewportSize();
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: width === 1280 ? 800 : 844 });
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await examine(page), [], `${name} at ${width} px, ${colorScheme}`);
      await page.screenshot({ path: fileURLToPath(new URL(`${name}-${width}-${colorScheme}.png`, SHOTS)) });
    }
  }
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await sideways(page), [], `${name} at 320 px`);
  if (size) await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null });
}
