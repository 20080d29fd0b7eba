/** What the console's documents and assets are sent with, and who may read what from elsewhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { HEADERS } from '../../console/dev/static-server.mjs';
import { stage } from '../lib/stage.mjs';

const here = stage();
const HTML = { accept: 'text/html' };

test('item 56: every document comes with the policy, has nothing inline, and is asked for anew', async () => {
  for (const path of ['/', '/integrations', '/return', '/no/such/page']) {
    const response = await fetch(here.url + path, { headers: HTML });
    assert.equal(response.status, path === '/no/such/page' ? 404 : 200, path);
    for (const [name, value] of Object.entries(HEADERS)) {
      assert.equal(response.headers.get(name), value, `${path}: ${name}`);
    }
    assert.match(response.headers.get('cache-control') ?? '', /no-cache|no-store/, path);
    const document = await response.text();
    assert.doesNotMatch(document, /<style|<script(?![^>]* src="\/assets\/)|\s(?:style|on\w+)=/, path);
    for (const [, address] of document.matchAll(/\s(?:src|href)="([^"]*)"/g))
      assert.match(address ?? '', /^\/\w/);
  }
});

test('item 56: assets are kept, under names of their content, and typed', async () => {
  const [asset] = await assets();
  const { headers } = await fetch(here.url + asset);
  assert.match(headers.get('cache-control') ?? '', /immutable/);
  assert.match(headers.get('content-type') ?? '', /javascript/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await fetch(`${here.url}/assets/none.js`)).status, 404);
  assert.equal((await fetch(`${here.url}/no/such/page`, { headers: { accept: '*/*' } })).status, 404);
});

test('item 56: nothing runs that was written into a page', async () => {
  const visit = await here.visit();
  visit.expect(/TrustedHTML/);
  visit.expect(/^the policy: require-trusted-types-for/);
  const write = visit.page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<img src=x>'));
  await assert.rejects(write, /TrustedHTML/);
});

test('item 56: no page of another app frames the console', async (context) => {
  const visit = await here.visit();
  visit.expect(/frame-ancestors 'none'/);
  const page = await elsewhere(context, visit, `<iframe src="${here.url}/integrations"></iframe>`);
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame?.waitForURL(/^chrome-error:/);
});

test('documents and assets are sent compressed to whoever takes that, and as they are to whoever does not', async () => {
  for (const path of ['/', '/return', ...(await assets())]) {
    const compressed = await sent(here.url + path, 'br');
    const plain = await sent(here.url + path, 'identity');
    assert.equal(compressed.headers['content-encoding'], 'br', path);
    assert.equal(plain.headers['content-encoding'], undefined, path);
    for (const { headers } of [compressed, plain]) assert.match(headers.vary ?? '', /accept-encoding/i, path);
    assert(brotliDecompressSync(compressed.content).equals(plain.content), path);
  }
});

test('item 55: another app on this machine, whose requests carry the cookie, reads and changes nothing', async (context) => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  visit.expect(/blocked by CORS policy/);
  const page = await elsewhere(context, visit, '');
  const tried = await page.evaluate(async (/** @type {string} */ url) => {
    const ask = (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) =>
      fetch(url + path, { credentials: 'include', ...init }).then(
        ({ type, status }) => `${type} ${status}`,
        () => 'refused',
      );
    return Promise.all([
      ask('/console/session'),
      ask('/api/integrations/status'),
      ask('/api/integrations/disconnect/reddit/sim9z', { method: 'DELETE' }),
    ]);
  }, here.url);
  assert.deepEqual(tried, ['refused', 'refused', 'refused']);
  // What a form of any page can send arrives, without the token that only the console has.
  const connect = `${here.url}/api/integrations/connect/reddit`;
  const arrived = page.waitForResponse(connect);
  await page.evaluate(
    (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }),
    connect,
  );
  assert.equal((await arrived).status(), 403);
  assert.equal((await here.accounts()).length, 1);
  for (const origin of ['https://elsewhere.example', 'null']) {
    const { headers } = await fetch(`${here.url}/api/integrations/status`, { headers: { origin } });
    assert.equal(headers.get('access-control-allow-origin'), null, origin);
  }
});

/** Addresses of the first document's assets. */
async function assets() {
  const document = await (await fetch(here.url)).text();
  return [...document.matchAll(/"(\/assets\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path);
}

/** As it comes over the wire. @param {string} url @param {string} encoding */
async function sent(url, encoding) {
  const [response] = await once(get(url, { headers: { 'accept-encoding': encoding } }), 'response');
  return { headers: response.headers, content: Buffer.concat(await response.toArray()) };
}

/**
 * A page of another app, at another port of this machine.
 * @param {import('node:test').TestContext} context @param {import('../lib/visit.mjs').Visit} visit @param {string} body
 */
async function elsewhere(context, { profile }, body) {
  const server = createServer(
    (_request, response) => void response.setHeader('content-type', 'text/html').end(body),
  );
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const page = await profile.newPage();
  await page.goto(`http://localhost:${port}/`);
  return page;
}
