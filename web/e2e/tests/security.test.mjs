/** What somebody who means ill could try from a browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { HEADERS } from '../../console/dev/static-server.mjs';
import { DEMO, NEW, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();

test('a consent page that was forwarded to somebody else connects nothing, while its sender waits', async () => {
  const sender = await here.visit(DEMO);
  const popup = await sender.begin('Reddit');
  const victim = await here.visit(NEW);
  const tab = await victim.profile.newPage();
  await tab.goto(popup.url());
  await consent(tab, { person: 'kiln' });
  await tab.getByText('This was begun in another browser. Nothing was connected.').waitFor();
  const answer = await sender.page.waitForResponse(/\/api\/integrations\/flows\//);
  assert.equal((await answer.json()).status, 'pending');
  await sender.card('Reddit').locator('[data-step=waiting], [data-step=unsure]').waitFor();
  await sender.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual([...(await here.accounts(DEMO)), ...(await here.accounts(NEW))], []);
});

test('what another site’s window says is not believed', async () => {
  const visit = await here.visit();
  await visit.page.route('**/connect/reddit', async (route) => {
    const response = await route.fetch();
    const started = await response.json();
    await route.fulfill({ response, json: { ...started, authUrl: `${started.authUrl}&misbehave=coop-off` } });
  });
  const popup = await visit.begin('Reddit');
  await popup.evaluate(() => {
    const { opener } = window;
    for (const status of ['connected', 'error']) {
      opener.postMessage({ type: 'evergrant:flow', flowId: 'f1', status, accountId: 'sim9z' }, '*');
    }
  });
  await visit.page.waitForResponse(/\/api\/integrations\/flows\//);
  await visit.card('Reddit').getByText('Finish in the window that just opened.').waitFor();
  await visit.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(await here.accounts(), []);
});

test('a session cannot be sent elsewhere, nor used by another site, nor read a token', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const { page } = visit;
  const tried = await page.evaluate(async () => {
    const { csrfToken } = await (await fetch('/console/session')).json();
    const ask = async (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) => {
      const { status, code } = await (await fetch(`/api/integrations/${path}`, init)).json();
      return `${status} ${code}`;
    };
    const body = JSON.stringify({ redirectUrl: 'https://elsewhere.example/', challenge: 'a'.repeat(43) });
    const json = { 'content-type': 'application/json' };
    return {
      elsewhere: await ask('connect/reddit', {
        method: 'POST',
        body,
        headers: { ...json, 'x-csrf-token': csrfToken },
      }),
      withoutToken: await ask('connect/reddit', { method: 'POST', body, headers: json }),
      wrongToken: await ask('disconnect/reddit/sim9z', {
        method: 'DELETE',
        headers: { 'x-csrf-token': 'wrong' },
      }),
      platformToken: await ask('token/reddit/sim9z'),
      cookie: document.cookie,
    };
  });
  assert.deepEqual(tried, {
    elsewhere: '400 INVALID_REDIRECT_URL',
    withoutToken: '403 FORBIDDEN',
    wrongToken: '403 FORBIDDEN',
    platformToken: '403 FORBIDDEN',
    cookie: '',
  });
});

test('every document comes with the policy, and is never kept; assets are, under names of their content', async () => {
  for (const path of ['/', '/integrations', '/return', '/no/such/page']) {
    const { headers, status } = await fetch(here.url + path);
    assert.equal(status, 200, path);
    for (const [name, value] of Object.entries(HEADERS))
      assert.equal(headers.get(name), value, `${path}: ${name}`);
    assert.match(headers.get('cache-control') ?? '', /no-cache|no-store/, path);
  }
  const document = await (await fetch(here.url)).text();
  const [, asset] = /src="(\/assets\/[^"]+)"/.exec(document) ?? [];
  assert.match((await fetch(here.url + asset)).headers.get('cache-control') ?? '', /immutable/);
  assert.equal((await fetch(`${here.url}/assets/none.js`)).status, 404);
});

test('documents and assets are sent compressed to whoever takes that, and as they are to whoever does not', async () => {
  const document = await (await fetch(here.url)).text();
  const [, asset] = /src="(\/assets\/[^"]+)"/.exec(document) ?? [];
  for (const path of ['/', '/return', asset]) {
    const compressed = await sent(here.url + path, 'br');
    const plain = await sent(here.url + path, 'identity');
    assert.equal(compressed.headers['content-encoding'], 'br', path);
    assert.equal(plain.headers['content-encoding'], undefined, path);
    for (const { headers } of [compressed, plain]) assert.match(headers.vary ?? '', /accept-encoding/i, path);
    assert(brotliDecompressSync(compressed.content).equals(plain.content), path);
  }
});

/** As it comes over the wire. @param {string} url @param {string} encoding */
async function sent(url, encoding) {
  const [response] = await once(get(url, { headers: { 'accept-encoding': encoding } }), 'response');
  return { headers: response.headers, content: Buffer.concat(await response.toArray()) };
}
