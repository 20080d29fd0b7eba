/**
 * The build under the server's headers: no page has an axe finding, a console error or a CSP
 * violation.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import { mockServer } from '../dev/mock-server.mjs';
import { serveConsole } from '../dev/static-server.mjs';
import { auditPage, collectErrors } from '../scripts/audit.mjs';

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
 * Opens a browser context in which `userId` is signed in (0: signed out). Returns a page in it and
 * the errors that its pages log.
 * @param {import('node:test').TestContext} context
 */
async function open(context, userId = 7, options = {}) {
  const profile = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.after(() => profile.close());
  await profile.addCookies([{ name: 'mock', value: String(userId), url: server.url }]);
  const page = await profile.newPage();
  return { page, errors: collectErrors(profile) };
}

const OTHER_BROWSER = '/return?integration=reddit&status=pending&flowId=f1&receipt=r1';
/** Present once everything is loaded: the library loads it after the list. */
const LOADED = '.eg-toaster';
/** @type {Record<string, { path: string, userId?: number, heading: string, last?: string }>} */
const PAGES = {
  'the list has no findings': { path: '/', heading: 'Integrations', last: LOADED },
  'an empty list has no findings': {
    path: '/integrations',
    userId: 8,
    heading: 'Integrations',
    last: LOADED,
  },
  'the page without a session has no findings': {
    path: '/',
    userId: 0,
    heading: 'To view this page, open it from your app.',
  },
  'an unknown path, such as that of the gallery, has no findings': {
    path: '/gallery',
    heading: 'This page does not exist.',
  },
  'a flow started in another browser has no findings': {
    path: OTHER_BROWSER,
    heading: 'Evergrant',
    last: 'text=another browser',
  },
};

for (const [name, { path, userId, heading, last = 'h1' }] of Object.entries(PAGES)) {
  test(name, async (context) => {
    const { page, errors } = await open(context, userId);
    await page.goto(server.url + path);
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    await page.waitForSelector(last, { state: 'attached' });
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await auditPage(page), [], `${width} px, ${colorScheme}`);
      }
    }
    assert.deepEqual(errors, []);
  });
}

test('item 56: the CSP is enforced, and the session is requested once', async (context) => {
  const { page, errors } = await open(context);
  /** @type {string[]} */
  const requests = [];
  await page.route('**/console/session', (route) => {
    requests.push(route.request().method());
    return route.continue();
  });
  await page.goto(server.url);
  await page.waitForSelector(LOADED, { state: 'attached' });
  assert.deepEqual(requests, ['GET']);
  const write = page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<p>'));
  await assert.rejects(write, /TrustedHTML/);
  assert.match(errors.join(), /TrustedHTML/);
});

test('a chunk missing after an upgrade shows an error page that can reload', async (context) => {
  const { page } = await open(context);
  await page.route(/\/assets\/IntegrationsRoute-/, (route) => route.fulfill({ status: 404 }));
  await page.goto(server.url);
  await page.getByRole('heading', { level: 1, name: /^Something went wrong on this page/ }).waitFor();
  assert.deepEqual(await auditPage(page), []);
  await page.unroute(/\/assets\/IntegrationsRoute-/);
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
});

test('an account connects in a popup', async (context) => {
  const { page, errors } = await open(context, 8);
  await page.goto(server.url);
  const opened = page.waitForEvent('popup');
  await page.getByRole('button', { name: 'Connect TikTok' }).click();
  const popup = await opened;
  const closed = popup.waitForEvent('close');
  await popup.getByRole('link', { name: 'Allow', exact: true }).click();
  await closed;
  await page.getByText('Wren & Daughters is connected.').first().waitFor();
  assert.deepEqual(await auditPage(page), []);
  assert.deepEqual(errors, []);
});

test('an account connects by redirect, in French', async (context) => {
  const { page, errors } = await open(context, 8, { hasTouch: true, isMobile: true, locale: 'fr-FR' });
  await page.goto(`${server.url}/integrations`);
  await page.getByRole('button', { name: 'Connecter Reddit' }).click();
  await page.getByRole('link', { name: 'Allow', exact: true }).click();
  await page.getByText('Connecté : Wren & Daughters.').first().waitFor();
  assert.equal(page.url(), `${server.url}/integrations`);
  assert.deepEqual(errors, []);
});
