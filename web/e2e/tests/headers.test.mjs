/** Response headers of the console's documents and assets, and access from other origins. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { HEADERS } from '../../console/dev/static-server.mjs';
import { testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();
const HTML = { accept: 'text/html' };

test('item 56: every document has the CSP, no inline code, and is revalidated', async () => {
  for (const path of ['/', '/integrations', '/return', '/no/such/page']) {
    const response = await fetch(env.url + path, { headers: HTML });
    assert.equal(response.status, path === '/no/such/page' ? 404 : 200, path);
    for (const [name, value] of Object.entries(HEADERS)) {
      assert.equal(response.headers.get(name), value, `${path}: ${name}`);
    }
    assert.match(response.headers.get('cache-control') ?? '', /no-cache|no-store/, path);
    const document = await response.text();
    assert.doesNotMatch(document, /<style|<script(?![^>]* src="\/assets\/)|\s(?:style|on\w+)=/, path);
    const addresses = [...document.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? '');
    assert(addresses.length > 2, path);
    for (const address of addresses) assert.match(address, /^\/\w/);
  }
});

test('item 56: assets are immutable and have a content type', async () => {
  const [asset] = await assets();
  const { headers } = await fetch(env.url + asset);
  assert.match(headers.get('cache-control') ?? '', /immutable/);
  assert.match(headers.get('content-type') ?? '', /javascript/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await fetch(`${env.url}/assets/none.js`)).status, 404);
  assert.equal((await fetch(`${env.url}/no/such/page`, { headers: { accept: '*/*' } })).status, 404);
});

test('item 56: Trusted Types block HTML injection', async () => {
  const visit = await env.visit();
  visit.expectFault(/TrustedHTML/);
  visit.expectFault(/^CSP violation: require-trusted-types-for/);
  const write = visit.page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<img src=x>'));
  await assert.rejects(write, /TrustedHTML/);
});

test('item 56: another origin cannot frame the console', async (context) => {
  const visit = await env.visit();
  visit.expectFault(/frame-ancestors 'none'/);
  const page = await otherOrigin(context, visit, `<iframe src="${env.url}/integrations"></iframe>`);
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame?.waitForURL(/^chrome-error:/);
});

test('documents and assets are compressed only for clients that accept brotli', async () => {
  for (const path of ['/', '/return', ...(await assets())]) {
    const compressed = await download(env.url + path, 'br');
    const plain = await download(env.url + path, 'identity');
    assert.equal(compressed.headers['content-encoding'], 'br', path);
    assert.equal(plain.headers['content-encoding'], undefined, path);
    for (const { headers } of [compressed, plain]) assert.match(headers.vary ?? '', /accept-encoding/i, path);
    assert(brotliDecompressSync(compressed.content).equals(plain.content), path);
  }
});

test('item 55: another origin on the same site cannot read or change anything', async (context) => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  visit.expectFault(/blocked by CORS policy/);
  const page = await otherOrigin(context, visit, '');
  const results = await page.evaluate(async (/** @type {string} */ url) => {
    const send = (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) =>
      fetch(url + path, { credentials: 'include', ...init }).then(
        ({ type, status }) => `${type} ${status}`,
        () => 'blocked',
      );
    return Promise.all([
      send('/console/session'),
      send('/api/integrations/status'),
      send('/api/integrations/disconnect/reddit/sim9z', { method: 'DELETE' }),
    ]);
  }, env.url);
  assert.deepEqual(results, ['blocked', 'blocked', 'blocked']);
  // A form-like POST reaches the server, which rejects it: it lacks the CSRF token.
  const connect = `${env.url}/api/integrations/connect/reddit`;
  const crossOrigin = page.waitForResponse(connect);
  await page.evaluate(
    (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }),
    connect,
  );
  assert.equal((await crossOrigin).status(), 403);
  assert.equal((await env.accounts()).length, 1);
  for (const origin of ['https://elsewhere.example', 'null']) {
    const { headers } = await fetch(`${env.url}/api/integrations/status`, { headers: { origin } });
    assert.equal(headers.get('access-control-allow-origin'), null, origin);
  }
});

/** Returns the paths of the assets of `index.html`. */
async function assets() {
  const document = await (await fetch(env.url)).text();
  const found = [...document.matchAll(/"(\/assets\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path);
  assert(found.length > 2, 'the document names its assets');
  return found;
}

/** Returns a response as sent over the wire. @param {string} url @param {string} encoding */
async function download(url, encoding) {
  const [response] = await once(get(url, { headers: { 'accept-encoding': encoding } }), 'response');
  return { headers: response.headers, content: Buffer.concat(await response.toArray()) };
}

/**
 * Opens a page with this body at another port of this machine: another origin on the same site.
 * @param {import('node:test').TestContext} context @param {import('../lib/visit.mjs').Visit} visit
 * @param {string} body
 */
async function otherOrigin(context, { profile }, body) {
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
