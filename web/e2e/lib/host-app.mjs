/** What a person does in an app that has our library in it, and what must hold of it then. */
import assert from 'node:assert/strict';
import { DEMO, NOBODY } from './stage.mjs';
import { consent } from './visit.mjs';

/** @typedef {import('./stage.mjs').Stage} Stage */

/** In any app: connected in a window, told by the server what happens afterwards, and nothing said that is secret. @param {Stage} stage */
export async function tryApp(stage) {
  const { visit, messages, asked } = await enter(stage);
  await visit.connect('TikTok');
  await visit.told('Juniper Vale is connected.');
  await visit.row('Juniper Vale').getByText('Connected', { exact: true }).waitFor();
  await visit.leaveOpeners();
  const popup = await visit.begin('Reddit');
  const closed = popup.waitForEvent('close');
  await consent(popup);
  await closed;
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  const listed = await stage.accounts();
  assert.deepEqual(listed.map(({ provider }) => provider).toSorted(), ['reddit', 'tiktok']);
  // Item 17: the window that came back has told this page, at this origin alone, which flow to ask about.
  assert.deepEqual(messages, [{ keys: 'flowId,type', target: new URL(stage.url).origin }]);
  await visit.hideTokens();
  await stage.api('disconnect/reddit/sim9z', { method: 'DELETE' });
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
  return { visit, asked };
}

/** An app whose browser speaks to Evergrant itself: a token that is refused is asked for again. @param {Stage} stage @param {Awaited<ReturnType<typeof tryApp>>} entered */
export async function tryTokens(stage, { visit, asked }) {
  const tokens = () => asked.filter((path) => path === '/evergrant-token').length;
  const before = tokens();
  await stage.endSessions(DEMO);
  await visit.choose('Juniper Vale', 'Renew now');
  await visit.told('Juniper Vale is renewed.');
  assert.equal(tokens() - before, 1, 'asked for once, for all calls');
}

/** An app with a proxy of its own: the page arrives with its accounts, and speaks to no other server. @param {Stage} stage @param {Awaited<ReturnType<typeof tryApp>>} entered */
export async function tryProxy(stage, { visit, asked }) {
  assert.match(await (await fetch(stage.url)).text(), /Juniper Vale/);
  assert.deepEqual(
    asked.filter((path) => path.startsWith(stage.program.url)),
    [],
  );
  await visit.choose('Juniper Vale', 'Renew now');
  await visit.told('Juniper Vale is renewed.');
}

/** A browser at the app, which notes what its scripts ask for and what its windows say to each other. @param {Stage} stage */
async function enter(stage) {
  const visit = await stage.visit(NOBODY);
  /** @type {{ keys: string, target: string }[]} */
  const messages = [];
  /** Paths of the app's own, and whole addresses elsewhere. @type {string[]} */
  const asked = [];
  visit.profile.on('request', (request) => {
    if (request.resourceType() === 'fetch') asked.push(request.url().replace(stage.url, ''));
    const [, token] = /^Bearer (\S+)$/.exec(request.headers()['authorization'] ?? '') ?? [];
    if (token) visit.hide(token);
  });
  await visit.profile.exposeFunction('note', (/** @type {any} */ one) => void messages.push(one));
  await visit.profile.addInitScript(() => {
    const { note, postMessage } = /** @type {any} */ (window);
    window.postMessage = (/** @type {any} */ data, /** @type {any} */ target) => {
      if (String(data?.type).startsWith('evergrant'))
        note({ keys: Object.keys(data).toSorted().join(), target });
      postMessage.call(window, data, target);
    };
  });
  await visit.open('/');
  return { visit, messages, asked };
}
