/**
 * The server below a path of a host that it shares with other apps, behind nginx: as an app's server, a browser with
 * the console, and a browser with the hosted form see it. The configurations are those of `docs/reverse-proxy.md`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertAudit, DEMO, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';
import { documentedLocations, Nginx } from '../lib/nginx.mjs';
import { freePort } from '../lib/program.mjs';

/** @typedef {import('../lib/environment.mjs').Environment} Environment */

// The certificate of the second configuration is signed by no authority. This process connects only to loopback.
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';

const CONFIGURATIONS = /** @type {const} */ ([
  { name: 'nginx that passes the path on', location: 'passes', tls: false },
  { name: 'nginx that removes the path, with TLS', location: 'removes', tls: true },
]);

for (const { name, location, tls } of CONFIGURATIONS) {
  const [port, listen] = [await freePort(), await freePort()];
  describe(`behind ${name}`, () => {
    const nginx = new Nginx({ port, tls, location: documentedLocations(listen)[location] ?? '' });
    const url = `${tls ? 'https' : 'http'}://localhost:${port}/grants`;
    before(() => nginx.start());
    const env = testEnvironment({ EVERGRANT_PUBLIC_URL: url }, listen);
    after(() => nginx.remove());

    test('an app connects an account and reads its token', () => testApp(env, url));
    test('an event stream is not buffered', () => testStream(env));
    test('the documentation and the addresses of errors work', () => testPages(url));
    test('the console works, with a cookie for its path only', () => testConsole(env, { port, tls }));
    test('a session is pasted into the hosted form', () => testForm(env));
    test('no other app of the host received a request', () => {
      // Browsers request the icon of the host by themselves, for pages that name none.
      assert.deepEqual(
        nginx.strayRequests().filter((path) => path !== '/favicon.ico'),
        [],
      );
      assert(nginx.passedRequests() > 50, `${nginx.passedRequests()} requests`);
    });
  });
}

/** A flow without a browser: connect, consent, callback, token. @param {Environment} env @param {string} url */
async function testApp(env, url) {
  assert.equal(env.url, url, 'the address that the program prints');
  const { authUrl } = await env.api('connect/reddit', { method: 'POST', body: {} });
  const redirect = new URL(authUrl).searchParams.get('redirect_uri');
  assert.equal(redirect, `${url}/api/integrations/callback/reddit`);
  const { location } = await env.control('approve', { authUrl, person: 'juniper' });
  const answer = await fetch(location, { redirect: 'manual' });
  // Without configured redirects, a flow ends at the console.
  const end = new URL(answer.headers.get('location') ?? '');
  assert.deepEqual([answer.status, end.origin + end.pathname], [303, url]);
  assert.equal(end.searchParams.get('status'), 'connected');
  const { accessToken } = await env.api('token/reddit/sim9z');
  assert(accessToken, 'the token is read');
  const [{ avatarUrl }] = /** @type {any} */ (await env.accounts());
  assert(avatarUrl.startsWith(`${url}/images/`), avatarUrl);
  const picture = await fetch(avatarUrl);
  assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/png']);
}

/** The first event arrives although the stream stays open. @param {Environment} env */
async function testStream(env) {
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${env.program.apiKey}`, 'evergrant-user': '1' };
  const { body } = await fetch(`${env.url}/api/integrations/events`, { headers, signal: stop.signal });
  const first = await body?.getReader().read();
  assert.match(new TextDecoder().decode(first?.value), /^(id: .*\n)?event: ready/m);
  stop.abort();
}

/** @param {string} url */
async function testPages(url) {
  const problem = await (await fetch(`${url}/api/integrations/status`)).json();
  const description = new URL(problem.type, url);
  assert.equal(`${description}`, `${url}/errors#UNAUTHENTICATED`);
  assert.match(await (await fetch(description)).text(), /<dt id="UNAUTHENTICATED">/);
  const docs = await fetch(`${url}/docs`);
  assert.deepEqual([docs.status, docs.url], [200, `${url}/docs/`]);
  const settings = await (await fetch(`${url}/docs/swagger-initializer.js`)).text();
  const [, document] = /"url": "([^"]+)"/.exec(settings) ?? [];
  const { servers } = await (await fetch(new URL(document ?? '', url))).json();
  assert.equal(`${new URL(servers[0].url, url)}`, url);
}

/** @param {Environment} env @param {{ port: number, tls: boolean }} proxy */
async function testConsole(env, { port, tls }) {
  const visit = await env.visit(SIGNED_OUT, { ignoreHTTPSErrors: true });
  await visit.signIn(DEMO);
  const [cookie] = await visit.profile.cookies();
  const name = tls ? '__Secure-evergrant' : `evergrant-${port}`;
  assert.deepEqual([cookie?.name, cookie?.path, cookie?.secure], [name, '/grants', tls]);
  for (const path of ['', '/', '/integrations/', '/integrations']) await visit.open(path);
  const { page } = visit;
  await visit.connect('TikTok');
  await visit.waitForToast('Juniper Vale is connected.');
  const picture = visit.row('Juniper Vale').locator('img');
  await picture.evaluate((image) => /** @type {any} */ (image).decode());
  await assertAudit(page, `proxy-${tls ? 'tls' : 'plain'}`);
  await page.goto(`${env.url}/nowhere`);
  await page.getByRole('link', { name: 'Go to Integrations' }).click();
  await page.waitForURL(`${env.url}/integrations`);
  await page.getByRole('link', { name: 'Evergrant' }).click();
  await page.waitForURL(`${env.url}/`);
  await page.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: /^You are signed out/ }).waitFor();
  const left = (await visit.profile.cookies()).map((one) => one.name);
  assert(!left.includes(name), `${name} is deleted: ${left}`);
}

/** @param {Environment} env */
async function testForm(env) {
  const body = { redirectUrl: `${env.url}/integrations` };
  const { authUrl } = await env.api('connect/onlyfans', { method: 'POST', body });
  assert(authUrl.startsWith(`${env.url}/connect/onlyfans?state=`), authUrl);
  const visit = await env.visit(SIGNED_OUT, { ignoreHTTPSErrors: true });
  await visit.signIn(DEMO);
  const page = await visit.profile.newPage();
  visit.page = page;
  await page.goto(authUrl);
  const { sess, auth_id, user_agent, x_bc } = await env.control('session', {
    platform: 'onlyfans',
    person: 'kiln',
  });
  visit.addSecrets(sess, x_bc);
  await page.getByText('Enter the values manually').click();
  for (const [field, value] of Object.entries({ sess, auth_id, user_agent, x_bc }))
    await page.locator(`[name=${field}]`).fill(value);
  await page.getByRole('checkbox').check();
  const posted = page.waitForRequest((request) => request.method() === 'POST');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  assert.equal((await posted).url(), `${env.url}/connect/onlyfans`);
  await page.waitForURL(`${env.url}/integrations**`);
  await visit
    .card('OnlyFans')
    .getByRole('button', { name: /^Actions for/ })
    .waitFor();
}
