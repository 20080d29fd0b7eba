/**
 * Each failure of a flow, in a window and in the page itself: its text, its next step, its reference and its time to wait.
 * Screenshots are in `shots/`.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { DEMO, NEW, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();
mkdirSync('shots', { recursive: true });

const EXCHANGE = 'token.authorization_code';
const fault = (/** @type {object} */ rest) => () =>
  env.control('faults', { platform: 'reddit', endpoint: EXCHANGE, ...rest });

/**
 * @typedef {import('../lib/visit.mjs').Visit} Visit
 * @typedef {object} Failure
 * @property {string} [platform] Reddit by default
 * @property {import('../lib/visit.mjs').Consent} [consent] what the user does on the consent page
 * @property {(visit: Visit) => Promise<unknown>} [before] what happens before
 * @property {string} [button] the button that starts the flow
 * @property {RegExp} text the sentence
 * @property {string} step the button or the link of the next step
 * @property {boolean} [wait] whether the time to wait is shown
 * @property {boolean} [noReference] whether there is nothing to report
 */

/** @type {Record<string, Failure>} */
const FAILURES = {
  'a denied consent': {
    consent: { answer: 'deny' },
    text: /^You did not allow access at Reddit\. .* try again and allow it there\.$/,
    step: 'Try again',
    noReference: true,
  },
  'an error of the consent page': {
    consent: { misbehave: 'dialog-error' },
    text: /^Reddit could not complete the sign-in\. .* sign out of Reddit first\.$/,
    step: 'Try again',
  },
  'an expired code': {
    consent: { misbehave: 'code-expired' },
    text: /^Reddit could not complete the sign-in\. .* sign out of Reddit first\.$/,
    step: 'Try again',
  },
  'a platform that drops the connection': {
    before: fault({ kind: 'cut' }),
    text: /^Reddit cannot be reached right now\. Your connection is not the cause\./,
    step: 'Try again',
  },
  'a platform that fails': {
    before: fault({ kind: 'respond', status: 500 }),
    text: /^Reddit is not responding properly\. Try again in a few minutes\.$/,
    step: 'Try again',
  },
  'an account of another user': {
    async before() {
      const owner = await env.visit(NEW);
      await owner.connect('Reddit', { person: 'kiln' });
      await owner.waitForToast('kiln_osei is connected.');
    },
    consent: { person: 'kiln' },
    text: /^This Reddit account belongs to another user here\. Disconnect it there, or sign in/,
    step: 'Try again',
  },
  'a wrong account at a reconnect': {
    async before(visit) {
      await visit.connect('Reddit', { person: 'juniper' });
      await visit.row('juniper_vale').waitFor();
      await env.control('revoke-user', { platform: 'reddit', person: 'juniper' });
      await env.api('refresh/reddit/sim9z', { method: 'POST' });
    },
    button: 'Reconnect: juniper_vale',
    consent: { person: 'kiln' },
    text: /^You signed in to Reddit as @kiln_osei, but this reconnects @juniper_vale\. /,
    step: 'Add @kiln_osei instead',
  },
  'a person without a professional account': {
    platform: 'Instagram',
    consent: { person: 'kiln' },
    text: /^This sign-in includes no Instagram account .* choose Switch to professional account\./,
    step: 'Help at Instagram',
  },
  // Uses TikTok, which no other test here needs: the server blocks calls to the platform for the whole Retry-After.
  'a rate limit of the platform': {
    platform: 'TikTok',
    before: () =>
      env.control('faults', {
        platform: 'tiktok',
        endpoint: EXCHANGE,
        kind: 'respond',
        status: 429,
        headers: { 'retry-after': '300' },
      }),
    text: /^There are too many requests for TikTok at the moment\. Nothing was changed\./,
    step: 'Try again',
    wait: true,
  },
};

for (const [name, failure] of Object.entries(FAILURES)) {
  for (const place of ['window', 'page']) {
    test(`${name} is reported with its next step, in a ${place}`, () => check(name, failure, place));
  }
}

/** @param {string} name @param {Failure} failure @param {string} place */
async function check(name, failure, place) {
  const { platform = 'Reddit', consent, before, text, step, wait, noReference } = failure;
  const visit = await env.visit(DEMO);
  await before?.(visit);
  if (place === 'page') await visit.page.evaluate(() => void (window.open = () => null));
  const card = visit.card(platform);
  const popup = place === 'window' ? visit.page.waitForEvent('popup') : visit.page;
  await card.getByRole('button', { name: failure.button ?? `Connect ${platform}`, exact: true }).click();
  const page = await popup;
  await page.waitForSelector('button[name=decision]');
  await submitConsent(page, consent);
  await card.getByText(text).waitFor();
  await card
    .getByRole('button', { name: step })
    .or(card.getByRole('link', { name: step }))
    .waitFor();
  assert.equal(await card.getByRole('button', { name: 'Copy reference' }).count(), noReference ? 0 : 1);
  if (wait) await card.getByText(/^Try again in \d+ (?:seconds|minutes)$/).waitFor();
  await visit.page.screenshot({ path: `shots/failure-${name.replaceAll(' ', '-')}-${place}.png` });
}
