/**
 * The console and the hosted pages of an app with a name and a logo of its own: what its users see, and the way back.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAudit, DEMO, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';

/** The app: one page, to which the console leads back. */
const app = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(
    '<!doctype html><html lang="en"><title>Fern</title><link rel="icon" href="data:,"><h1>Fern</h1>',
  );
});
let returnUrl = '';
/** The port of the app is known only when it listens. @type {NodeJS.ProcessEnv} */
const settings = {
  EVERGRANT_APP_NAME: 'Fern & Vale',
  EVERGRANT_APP_LOGO: fileURLToPath(new URL('../../console/src/mark.svg', import.meta.url)),
};

before(async () => {
  await once(app.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (app.address());
  settings.EVERGRANT_ALLOWED_REDIRECTS = `http://127.0.0.1:${port}`;
  returnUrl = `http://127.0.0.1:${port}/settings`;
});
const env = testEnvironment(settings);
after(() => void app.close());

test('the console shows the app’s name and logo, and leads back to the app', async () => {
  const visit = await env.visit(SIGNED_OUT);
  const link = await env.portalLink(DEMO, { returnUrl });
  const page = await visit.profile.newPage();
  await page.goto(link);
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
  assert.equal(await page.title(), 'Integrations · Fern & Vale');
  const width = await page.locator('.brand img').evaluate((logo) => /** @type {any} */ (logo).naturalWidth);
  assert(width > 0, 'the logo is loaded');
  await assertAudit(page, 'portal');
  await page.getByRole('link', { name: 'Back to Fern & Vale' }).click();
  await page.getByRole('heading', { level: 1, name: 'Fern' }).waitFor();
  assert.equal(page.url(), returnUrl);
});

test('a page outside of a session shows the app’s name and leads back to it', async () => {
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.profile.newPage();
  await page.goto(`${env.url}/portal/evp_used`);
  await page.getByRole('heading', { level: 1, name: 'This link has expired' }).waitFor();
  await page.getByText('Fern & Vale', { exact: true }).waitFor();
  await assertAudit(page, 'portal-expired');
  await page.getByRole('link', { name: 'Back to Fern & Vale' }).click();
  await page.getByRole('heading', { level: 1, name: 'Fern' }).waitFor();
});
