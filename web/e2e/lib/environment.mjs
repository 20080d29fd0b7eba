/** The environment of every test: the server with its console, the sandbox, and a browser. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, afterEach, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { auditPage, forcedColorFaults, horizontalOverflow } from '../../console/scripts/audit.mjs';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import { Program } from './program.mjs';
import { Visit } from './visit.mjs';

/** @typedef {{ method?: string, userId?: number, body?: object | undefined }} Call */

/** Id of the demo creator. */
export const DEMO = 1;
/** Id of the second user. */
export const NEW = 2;
/** A browser without a session and without an open page. */
export const SIGNED_OUT = 0;

/**
 * Returns an environment for the tests of one file. After each test, its accounts are disconnected
 * and its browsers are searched for leaked secrets.
 * @param {NodeJS.ProcessEnv} settings of the server @param {number} listen a port of the server
 */
export function testEnvironment(settings = {}, listen = 0) {
  const env = new Environment(settings, '', listen);
  before(() => env.open());
  afterEach(() => env.cleanUp());
  after(() => env.close());
  return env;
}

export class Environment {
  /** URL of the console, or of the host app under test. */
  url;
  program;
  /** @type {import('playwright-core').Browser | undefined} */
  #browser;
  /** @type {Visit[]} */
  #visits = [];

  /**
   * @param {NodeJS.ProcessEnv} settings of the server @param {string} url of a host app
   * @param {number} listen a port of the server; by default a free one
   */
  constructor(settings, url = '', listen = 0) {
    this.url = url;
    this.program = new Program(settings, listen);
  }

  async open() {
    this.#browser = await chromium.launch(CHROMIUM);
    await this.program.start();
    this.url ||= this.program.url;
    const document = await (await fetch(this.program.url)).text();
    assert.match(
      document,
      /\/assets\//,
      'the server was built without the console: run npm run build, then cargo build',
    );
  }

  async close() {
    await this.#browser?.close();
    await this.program.remove();
  }

  /**
   * Opens the console as `userId` in a new browser profile. With `clock`, the test controls its
   * time.
   * @param {number} userId
   * @param {import('playwright-core').BrowserContextOptions & { clock?: boolean }} options
   */
  async visit(userId = DEMO, { clock = false, ...options } = {}) {
    assert(this.#browser);
    const profile = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    // Installed before the first page: timers that started without it are not controlled.
    if (clock) await profile.clock.install();
    const visit = new Visit(this, profile);
    this.#visits.push(visit);
    await visit.prepare();
    if (userId === SIGNED_OUT) return visit;
    await visit.signIn(userId);
    await visit.open();
    return visit;
  }

  /**
   * Returns a single-use link that signs `userId` in to the console.
   * @param {number} userId @param {{ returnUrl?: string }} options @returns {Promise<string>}
   */
  async portalLink(userId, options = {}) {
    const body = { userId, portal: true, ...options };
    return (await this.#call('/api/sessions', { method: 'POST', body })).url;
  }

  /**
   * Calls the integrations API with the API key, as an app's server does.
   * @param {string} path @param {Call} call @returns {Promise<any>}
   */
  async api(path, { method = 'GET', userId = DEMO, body } = {}) {
    return this.#call(`/api/integrations/${path}`, { method, userId, body });
  }

  /** Ends all sessions of a user, as the app's server may. @param {number} userId */
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

  /** Returns a user's accounts. @returns {Promise<import('@evergrant/react').Integration[]>} */
  async accounts(userId = DEMO) {
    return (await this.api('status', { userId })).integrations;
  }

  /** Calls the sandbox's control API. @param {string} path @param {object} body */
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

  /** Disconnects all accounts, resets the sandbox, and asserts that no browser had a fault. */
  async cleanUp() {
    const visits = this.#visits.splice(0);
    const faults = [];
    for (const visit of visits) faults.push(...(await visit.close()));
    for (const userId of [DEMO, NEW]) {
      for (const { provider, providerAccountId } of await this.accounts(userId)) {
        await this.api(`disconnect/${provider}/${encodeURIComponent(providerAccountId)}`, {
          method: 'DELETE',
          userId,
        });
      }
    }
    await this.control('reset');
    assert.deepEqual(faults, []);
  }
}

const SHOTS = new URL('../shots/', import.meta.url);

/**
 * Asserts that a page has no axe findings and no horizontal overflow at 1280 and 390 px, light and
 * dark, no invisible text under forced colours, and no overflow at 320 px. Writes a screenshot of each to `shots/`.
 * @param {import('playwright-core').Page} page @param {string} name of the screenshots
 */
export async function assertAudit(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  const size = page.viewportSize();
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: width === 1280 ? 800 : 844 });
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await auditPage(page), [], `${name} at ${width} px, ${colorScheme}`);
      await page.screenshot({ path: fileURLToPath(new URL(`${name}-${width}-${colorScheme}.png`, SHOTS)) });
    }
    assert.deepEqual(await forcedColorFaults(page), [], `${name} at ${width} px`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await horizontalOverflow(page), [], `${name} at 320 px`);
  if (size) await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null });
}
