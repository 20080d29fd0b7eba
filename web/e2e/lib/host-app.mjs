/** Tests of a host app that uses the library. */
import assert from 'node:assert/strict';
import { DEMO, SIGNED_OUT } from './environment.mjs';
import { submitConsent } from './visit.mjs';

/** @typedef {import('./environment.mjs').Environment} Environment */

/**
 * Tests any app: accounts connect in a popup, later changes on the server appear, and messages
 * between windows carry no secret.
 * @param {Environment} env
 */
export async function testApp(env) {
  const { visit, messages, requests } = await open(env);
  await visit.connect('TikTok');
  await visit.waitForToast('Juniper Vale is connected.');
  await visit.row('Juniper Vale').getByText('Connected', { exact: true }).waitFor();
  await visit.keepOpener();
  const popup = await visit.openConsent('Reddit');
  const closed = popup.waitForEvent('close');
  await submitConsent(popup);
  await closed;
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  const listed = await env.accounts();
  assert.deepEqual(listed.map(({ provider }) => provider).toSorted(), ['reddit', 'tiktok']);
  // Item 17: the popup's only message names the flow, and is addressed to this exact origin.
  assert.deepEqual(messages, [{ keys: 'flowId,type', target: new URL(env.url).origin }]);
  await visit.addTokensAsSecrets();
  await env.api('disconnect/reddit/sim9z', { method: 'DELETE' });
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
  return { visit, requests };
}

/**
 * Tests an app whose browser calls Evergrant directly: a rejected session token is replaced.
 * @param {Environment} env @param {Awaited<ReturnType<typeof testApp>>} opened
 */
export async function testTokenRefresh(env, { visit, requests }) {
  const tokens = () => requests.filter((path) => path === '/evergrant-token').length;
  const before = tokens();
  await env.endSessions(DEMO);
  await visit.chooseAction('Juniper Vale', 'Refresh now');
  await visit.waitForToast('Juniper Vale was refreshed.');
  assert.equal(tokens() - before, 1, 'one token request for all calls');
}

/**
 * Tests an app with an API proxy: the page is rendered with its accounts, and calls no other
 * server.
 * @param {Environment} env @param {Awaited<ReturnType<typeof testApp>>} opened
 */
export async function testProxy(env, { visit, requests }) {
  assert.match(await (await fetch(env.url)).text(), /Juniper Vale/);
  assert.deepEqual(
    requests.filter((path) => path.startsWith(env.program.url)),
    [],
  );
  await visit.chooseAction('Juniper Vale', 'Refresh now');
  await visit.waitForToast('Juniper Vale was refreshed.');
}

/**
 * Opens the app, and records its scripts' requests and the messages between its windows.
 * @param {Environment} env
 */
async function open(env) {
  const visit = await env.visit(SIGNED_OUT);
  /** @type {{ keys: string, target: string }[]} */
  const messages = [];
  /** Paths for requests to the app, full URLs for others. @type {string[]} */
  const requests = [];
  visit.profile.on('request', (request) => {
    if (request.resourceType() === 'fetch') requests.push(request.url().replace(env.url, ''));
    const [, token] = /^Bearer (\S+)$/.exec(request.headers()['authorization'] ?? '') ?? [];
    if (token) visit.addSecrets(token);
  });
  await visit.profile.exposeFunction(
    'recordMessage',
    (/** @type {any} */ message) => void messages.push(message),
  );
  await visit.profile.addInitScript(() => {
    const { recordMessage, postMessage } = /** @type {any} */ (window);
    window.postMessage = (/** @type {any} */ data, /** @type {any} */ target) => {
      if (String(data?.type).startsWith('evergrant'))
        recordMessage({ keys: Object.keys(data).toSorted().join(), target });
      postMessage.call(window, data, target);
    };
  });
  await visit.open('/');
  return { visit, messages, requests };
}
