/** Attacks from a browser: forwarded flows, forged messages, and cross-site requests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { DEMO, NEW, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();

test('item 6: a consent given by another user through a forwarded link connects nothing', async () => {
  const sender = await env.visit(DEMO);
  const popup = await sender.openConsent('Reddit');
  const victim = await env.visit(NEW);
  const tab = await victim.profile.newPage();
  const finishRequests = recordFinishRequests(victim);
  await tab.goto(popup.url());
  await submitConsent(tab, { person: 'kiln' });
  await tab.getByText('This sign-in was started in another browser. Nothing was connected.').waitFor();
  assert.deepEqual(finishRequests, []);
  const response = await sender.page.waitForResponse(/\/api\/integrations\/flows\//);
  assert.equal((await response.json()).status, 'pending');
  await sender.card('Reddit').locator('[data-step=waiting], [data-step=unsure]').waitFor();
  await sender.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual([...(await env.accounts(DEMO)), ...(await env.accounts(NEW))], []);
});

test('item 6: a callback opened by a user who did not start the flow connects nothing', async () => {
  const attacker = await env.visit(DEMO);
  const popup = await attacker.openConsent('Reddit');
  const approval = { authUrl: popup.url(), person: 'kiln' };
  const { location: address } = await env.control('approve', approval);
  const victim = await env.visit(NEW);
  const tab = await victim.profile.newPage();
  const finishRequests = recordFinishRequests(victim);
  await tab.goto(address);
  await tab.getByText('This sign-in was started in another browser. Nothing was connected.').waitFor();
  assert.deepEqual(finishRequests, []);
  assert.deepEqual(await env.accounts(NEW), []);
  assert.deepEqual(await env.accounts(DEMO), []);
  await attacker.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
});

test('a flow is finished once, with the verifier of the browser that started it', async () => {
  const visit = await env.visit();
  const connectRequest = visit.page.waitForRequest(/\/connect\/reddit$/);
  const popup = await visit.openConsent('Reddit');
  const { challenge } = (await connectRequest).postDataJSON();
  /** @type {number[]} */
  const wrongVerifierStatuses = [];
  const finished = visit.profile.waitForEvent('request', (one) => one.url().endsWith('/finish'));
  await visit.profile.route('**/finish', async (route) => {
    const { receipt } = route.request().postDataJSON();
    const data = { verifier: 'a'.repeat(43), receipt };
    const headers = route.request().headers();
    wrongVerifierStatuses.push(
      (await visit.profile.request.post(route.request().url(), { data, headers })).status(),
    );
    await route.continue();
  });
  await submitConsent(popup);
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(wrongVerifierStatuses, [400]);
  const request = await finished;
  const { verifier, receipt } = request.postDataJSON();
  assert.equal(createHash('sha256').update(verifier).digest('base64url'), challenge);
  const headers = request.headers();
  const again = await visit.profile.request.post(request.url(), { data: { verifier, receipt }, headers });
  assert.equal((await again.json()).code, 'INVALID_STATE');
  assert.equal((await env.accounts()).length, 1);
  // The recorder fails the test if the verifier is in any URL, response, page or log.
  visit.addSecrets(verifier);
});

test('item 17: messages between windows and tabs carry no secret and stay on this origin', async () => {
  const visit = await env.visit(SIGNED_OUT);
  /** @type {{ keys: string, target: string | null }[]} */
  const messages = [];
  await visit.profile.exposeFunction(
    'recordMessage',
    (/** @type {any} */ message) => void messages.push(message),
  );
  await visit.profile.addInitScript(() => {
    const { recordMessage, postMessage } = /** @type {any} */ (window);
    const keysOf = (/** @type {object} */ data) => Object.keys(data).toSorted().join();
    // A popup posts to its opener through this function.
    window.postMessage = (/** @type {any} */ data, /** @type {any} */ target) => {
      recordMessage({ keys: keysOf(data), target });
      postMessage.call(window, data, target);
    };
    const broadcast = BroadcastChannel.prototype.postMessage;
    BroadcastChannel.prototype.postMessage = function (/** @type {any} */ data) {
      recordMessage({ keys: keysOf(data), target: null });
      broadcast.call(this, data);
    };
  });
  await visit.signIn(DEMO);
  await visit.open();
  await visit.keepOpener();
  await visit.connect('Reddit');
  await visit.waitForToast('juniper_vale is connected.');
  const kinds = new Set(messages.map(({ keys }) => keys));
  assert(kinds.delete('flowId,type'), 'the popup has named its flow');
  for (const kind of kinds) assert.match(kind, /^(?:live,)?scope,type(?:,version)?$/);
  for (const { target } of messages) assert(target === null || target === env.url, `message to ${target}`);
});

test('item 17: a message from another origin’s window is ignored', async () => {
  const visit = await env.visit();
  await visit.keepOpener();
  const popup = await visit.openConsent('Reddit');
  await popup.evaluate(() => {
    const { opener } = window;
    for (const status of ['connected', 'error']) {
      opener.postMessage({ type: 'evergrant:flow', flowId: 'f1', status, accountId: 'sim9z' }, '*');
    }
  });
  await visit.page.waitForResponse(/\/api\/integrations\/flows\//);
  await visit.card('Reddit').getByText('Finish in the window that just opened.').waitFor();
  await visit.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(await env.accounts(), []);
});

test('a session cannot redirect elsewhere, skip the CSRF check or read a token', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const { page } = visit;
  const results = await page.evaluate(async () => {
    const { csrfToken } = await (await fetch('/console/session')).json();
    const send = async (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) => {
      const { status, code } = await (await fetch(`/api/integrations/${path}`, init)).json();
      return `${status} ${code}`;
    };
    const body = JSON.stringify({ redirectUrl: 'https://elsewhere.example/', challenge: 'a'.repeat(43) });
    const json = { 'content-type': 'application/json' };
    return {
      otherRedirect: await send('connect/reddit', {
        method: 'POST',
        body,
        headers: { ...json, 'x-csrf-token': csrfToken },
      }),
      withoutToken: await send('connect/reddit', { method: 'POST', body, headers: json }),
      wrongToken: await send('disconnect/reddit/sim9z', {
        method: 'DELETE',
        headers: { 'x-csrf-token': 'wrong' },
      }),
      platformToken: await send('token/reddit/sim9z'),
      cookie: document.cookie,
    };
  });
  assert.deepEqual(results, {
    otherRedirect: '400 INVALID_REDIRECT_URL',
    withoutToken: '403 FORBIDDEN',
    wrongToken: '403 FORBIDDEN',
    platformToken: '403 FORBIDDEN',
    cookie: '',
  });
});

/**
 * Returns the list of requests to finish a flow that this browser sends from now on.
 * @param {import('../lib/visit.mjs').Visit} visit
 */
function recordFinishRequests({ profile }) {
  /** @type {string[]} */
  const sent = [];
  profile.on(
    'request',
    (request) => void (/\/flows\/.*\/finish$/.test(request.url()) && sent.push(request.url())),
  );
  return sent;
}
