/** What somebody who means ill could try from a browser. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { DEMO, NEW, NOBODY, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();

test('item 6: a consent page that was forwarded to somebody else connects nothing, while its sender waits', async () => {
  const sender = await here.visit(DEMO);
  const popup = await sender.begin('Reddit');
  const victim = await here.visit(NEW);
  const tab = await victim.profile.newPage();
  const sent = finishesOf(victim);
  await tab.goto(popup.url());
  await consent(tab, { person: 'kiln' });
  await tab.getByText('This was begun in another browser. Nothing was connected.').waitFor();
  assert.deepEqual(sent, []);
  const answer = await sender.page.waitForResponse(/\/api\/integrations\/flows\//);
  assert.equal((await answer.json()).status, 'pending');
  await sender.card('Reddit').locator('[data-step=waiting], [data-step=unsure]').waitFor();
  await sender.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual([...(await here.accounts(DEMO)), ...(await here.accounts(NEW))], []);
});

test('item 6: a consent that was given elsewhere connects nothing to whoever is led to its end', async () => {
  const attacker = await here.visit(DEMO);
  const popup = await attacker.begin('Reddit');
  const consented = { authUrl: popup.url(), person: 'kiln' };
  const { location: address } = await here.control('approve', consented);
  const victim = await here.visit(NEW);
  const tab = await victim.profile.newPage();
  const sent = finishesOf(victim);
  await tab.goto(address);
  await tab.getByText('This was begun in another browser. Nothing was connected.').waitFor();
  assert.deepEqual(sent, []);
  assert.deepEqual(await here.accounts(NEW), []);
  assert.deepEqual(await here.accounts(DEMO), []);
  await attacker.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
});

test('a consent is finished once, with what only the browser that began it has', async () => {
  const visit = await here.visit();
  const asked = visit.page.waitForRequest(/\/connect\/reddit$/);
  const popup = await visit.begin('Reddit');
  const { challenge } = (await asked).postDataJSON();
  /** @type {number[]} */
  const refused = [];
  const finished = visit.profile.waitForEvent('request', (one) => one.url().endsWith('/finish'));
  await visit.profile.route('**/finish', async (route) => {
    const { receipt } = route.request().postDataJSON();
    const data = { verifier: 'a'.repeat(43), receipt };
    const headers = route.request().headers();
    refused.push((await visit.profile.request.post(route.request().url(), { data, headers })).status());
    await route.continue();
  });
  await consent(popup);
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(refused, [400]);
  const request = await finished;
  const { verifier, receipt } = request.postDataJSON();
  assert.equal(createHash('sha256').update(verifier).digest('base64url'), challenge);
  const headers = request.headers();
  const again = await visit.profile.request.post(request.url(), { data: { verifier, receipt }, headers });
  assert.equal((await again.json()).code, 'INVALID_STATE');
  assert.equal((await here.accounts()).length, 1);
  // What proved it is in no address that a page had, was asked for, or said.
  visit.hide(verifier);
});

test('item 17: what windows and tabs tell each other is what to ask for, at this origin alone', async () => {
  const visit = await here.visit(NOBODY);
  /** @type {{ keys: string, target: string | null }[]} */
  const said = [];
  await visit.profile.exposeFunction('note', (/** @type {any} */ one) => void said.push(one));
  await visit.profile.addInitScript(() => {
    const { note, postMessage } = /** @type {any} */ (window);
    const keysOf = (/** @type {object} */ data) => Object.keys(data).toSorted().join();
    // What a window that was opened here says to its opener comes through this.
    window.postMessage = (/** @type {any} */ data, /** @type {any} */ target) => {
      note({ keys: keysOf(data), target });
      postMessage.call(window, data, target);
    };
    const tell = BroadcastChannel.prototype.postMessage;
    BroadcastChannel.prototype.postMessage = function (/** @type {any} */ data) {
      note({ keys: keysOf(data), target: null });
      tell.call(this, data);
    };
  });
  await visit.signIn(DEMO);
  await visit.open();
  await visit.leaveOpeners();
  await visit.connect('Reddit');
  await visit.told('juniper_vale is connected.');
  const kinds = new Set(said.map(({ keys }) => keys));
  assert(kinds.delete('flowId,type'), 'the window that came back has told which flow');
  for (const kind of kinds) assert.match(kind, /^(?:live,)?scope,type(?:,version)?$/);
  for (const { target } of said) assert(target === null || target === here.url, `told at ${target}`);
});

test('item 17: what another site’s window says is not believed', async () => {
  const visit = await here.visit();
  await visit.leaveOpeners();
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

/** What a browser sends from now on to finish a consent. @param {import('../lib/visit.mjs').Visit} visit */
function finishesOf({ profile }) {
  /** @type {string[]} */
  const sent = [];
  profile.on(
    'request',
    (request) => void (/\/flows\/.*\/finish$/.test(request.url()) && sent.push(request.url())),
  );
  return sent;
}
