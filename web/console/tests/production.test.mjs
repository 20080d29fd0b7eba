/** What was built, under the program's own headers: every page without a finding, an error or a report of the policy. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import { mockServer } from '../dev/mock-server.mjs';
import { serveConsole } from '../dev/static-server.mjs';
import { examine, listen } from '../scripts/examine.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serveConsole>>} */
let server;

before(async () => {
  const mock = mockServer();
  server = await serveConsole(
    (request, response) => void mock(request, response, () => response.writeHead(404).end()),
  );
  browser = await chromium.launch(CHROMIUM);
});
after(async () => {
  await browser?.close();
  server?.close();
});

/**
 * A browser profile in which this user is signed in (0 is nobody), a page in it, and what its pages must not have said.
 * @param {import('node:test').TestContext} context
 */
async function open(context, userId = 7, options = {}) {
  const profile = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.after(() => profile.close());
  await profile.addCookies([{ name: 'mock', value: String(userId), url: server.url }]);
  const page = await profile.newPage();
  return { page, said: listen(profile) };
}

const ELSEWHERE = '/return?integration=reddit&status=pending&flowId=f1&receipt=r1';
/** What was loaded after the list is there. */
const ALL = '.eg-toaster';
/** @type {Record<string, { path: string, userId?: number, heading: string, last?: string }>} */
const PAGES = {
  'the list': { path: '/', heading: 'Integrations', last: ALL },
  'an empty list': { path: '/integrations', userId: 8, heading: 'Integrations', last: ALL },
  'no session': { path: '/', userId: 0, heading: 'This page opens from your app.' },
  'no such page, of the gallery neither': { path: '/gallery', heading: 'There is no page at this address.' },
  'a consent that began elsewhere': { path: ELSEWHERE, heading: 'Evergrant', last: 'text=another browser' },
};

for (const [name, { path, userId, heading, last = 'h1' }] of Object.entries(PAGES)) {
  test(name, async (context) => {
    const { page, said } = await open(context, userId);
    await page.goto(server.url + path);
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    await page.waitForSelector(last, { state: 'attached' });
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await examine(page), [], `${width} px, ${colorScheme}`);
      }
    }
    assert.deepEqual(said, []);
  });
}

test('item 56: the policy is in force, and the session is asked for once', async (context) => {
  const { page, said } = await open(context);
  /** @type {string[]} */
  const asked = [];
  await page.route('**/console/session', (route) => {
    asked.push(route.request().method());
    return route.continue();
  });
  await page.goto(server.url);
  await page.waitForSelector(ALL, { state: 'attached' });
  assert.deepEqual(asked, ['GET']);
  const write = page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<p>'));
  await assert.rejects(write, /TrustedHTML/);
  assert.match(said.join(), /TrustedHTML/);
});

test('a page whose code has gone, as after an update, says so', async (context) => {
  const { page } = await open(context);
  await page.route(/\/assets\/IntegrationsRoute-/, (route) => route.fulfill({ status: 404 }));
  await page.goto(server.url);
  await page.getByRole('heading', { level: 1, name: /^Something went wrong on this page/ }).waitFor();
  assert.deepEqual(await examine(page), []);
  await page.unroute(/\/assets\/IntegrationsRoute-/);
  await page.getByRole('button', { name: 'Load it again' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
});

test('connecting in a window', async (context) => {
  const { page, said } = await open(context, 8);
  await page.goto(server.url);
  const opened = page.waitForEvent('popup');
  await page.getByRole('button', { name: 'Connect TikTok' }).click();
  const popup = await opened;
  const closed = popup.waitForEvent('close');
  await popup.getByRole('link', { name: 'Allow', exact: true }).click();
  await closed;
  await page.getByText('Wren & Daughters is connected.').first().waitFor();
  assert.deepEqual(await examine(page), []);
  assert.deepEqual(said, []);
});

test('connecting by leaving the page, in French', async (context) => {
  const { page, said } = await open(context, 8, { hasTouch: true, isMobile: true, locale: 'fr-FR' });
  await page.goto(`${server.url}/integrations`);
  await page.getByRole('button', { name: 'Connecter Reddit' }).click();
  await page.getByRole('link', { name: 'Allow', exact: true }).click();
  await page.getByText('Connecté : Wren & Daughters.').first().waitFor();
  assert.equal(page.url(), `${server.url}/integrations`);
  assert.deepEqual(said, []);
});
