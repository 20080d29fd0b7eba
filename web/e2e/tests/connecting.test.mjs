/** Connecting an account: popup and redirect flows, and how they fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();
/** Returns the accounts that the API lists for an app's server. */
const listed = async () =>
  (await env.accounts()).map(({ provider, username, status }) => `${provider} ${username} ${status}`);
const JUNIPER = ['reddit juniper_vale connected'];
const PHONE = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

test('an account connects in a popup that the platform isolates', async (context) => {
  const visit = await env.visit();
  const popup = await visit.openConsent('Reddit');
  assert.equal(
    await popup.evaluate(() => window.opener),
    null,
    'COOP on the consent page severs window.opener',
  );
  await submitConsent(popup, { person: 'juniper' });
  const allowedAt = performance.now();
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  context.diagnostic(`from Allow to a connected card: ${Math.round(performance.now() - allowedAt)} ms`);
  await visit.waitForToast('juniper_vale is connected.');
  if (!popup.isClosed()) await popup.waitForEvent('close');
  assert.deepEqual(await listed(), JUNIPER);
});

test('an account connects in a popup that keeps its opener', async () => {
  const visit = await env.visit();
  await visit.keepOpener();
  const popup = await visit.openConsent('Reddit');
  assert.notEqual(await popup.evaluate(() => window.opener), null);
  const closed = popup.waitForEvent('close');
  await submitConsent(popup);
  await closed;
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('on a touch screen the flow redirects and returns to the same page', async () => {
  const visit = await env.visit(DEMO, PHONE);
  await visit.card('TikTok').getByRole('button', { name: 'Connect TikTok' }).click();
  await submitConsent(visit.page);
  await visit.waitForToast('Juniper Vale is connected.');
  assert.equal(visit.page.url(), `${env.url}/integrations`);
  assert.equal(
    await visit.page.evaluate(() => document.activeElement?.getAttribute('data-provider')),
    'tiktok',
  );
  assert.deepEqual(await listed(), ['tiktok juniper.vale connected']);
});

test('a blocked popup falls back to a redirect', async () => {
  const visit = await env.visit();
  await visit.page.evaluate(() => {
    window.open = () => null;
  });
  await visit.card('Reddit').getByRole('button', { name: 'Connect Reddit' }).click();
  await submitConsent(visit.page);
  await visit.waitForToast('juniper_vale is connected.');
  assert.equal(visit.page.url(), `${env.url}/integrations`);
  assert.deepEqual(await listed(), JUNIPER);
});

test('a popup closed by the user can be cancelled', async () => {
  const visit = await env.visit();
  const popup = await visit.openConsent('Reddit');
  await popup.close();
  const card = visit.card('Reddit');
  await card.getByText('Did the window close before you finished?').waitFor();
  await card.getByRole('button', { name: 'Cancel' }).click();
  await card.getByRole('button', { name: 'Connect Reddit' }).waitFor();
  assert.deepEqual(await env.accounts(), []);
});

test('a popup closed by the user can be opened again', async () => {
  const visit = await env.visit();
  await (await visit.openConsent('Reddit')).close();
  const opened = visit.page.waitForEvent('popup');
  await visit.card('Reddit').getByRole('button', { name: 'Open it again' }).click();
  await submitConsent(await opened);
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('a consent finished late in another tab still connects', async () => {
  const visit = await env.visit();
  const popup = await visit.openConsent('Reddit');
  const address = popup.url();
  await popup.close();
  await visit.card('Reddit').getByText('Did the window close before you finished?').waitFor();
  const tab = await visit.profile.newPage();
  await tab.goto(address);
  await submitConsent(tab);
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('a denied consent connects nothing and can be retried', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { answer: 'deny' });
  const card = visit.card('Reddit');
  await card.getByText('You did not allow access at Reddit. Nothing was changed.').waitFor();
  assert.deepEqual(await env.accounts(), []);
  await visit.connect('Reddit', { button: 'Try again' });
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('a permission not granted is shown and can be granted later', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { without: ['history'] });
  const row = visit.row('juniper_vale');
  await row.getByText('Not granted: See your posts and comments.').waitFor();
  assert.equal((await env.accounts())[0]?.statusReason, 'SCOPE_MISSING');
  const opened = visit.page.waitForEvent('popup');
  await row.getByRole('button', { name: 'Grant access: juniper_vale' }).click();
  await submitConsent(await opened);
  await row.getByText('Not granted').waitFor({ state: 'hidden' });
  const accounts = await env.accounts();
  assert.deepEqual(
    accounts.map(({ statusReason = null }) => statusReason),
    [null],
  );
});

test('an error from the consent page is shown', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { misbehave: 'dialog-error' });
  await visit
    .card('Reddit')
    .getByText('Reddit could not complete the sign-in. Nothing was changed.')
    .waitFor();
  assert.deepEqual(await env.accounts(), []);
});

test('an expired authorization code connects nothing', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { misbehave: 'code-expired' });
  await visit
    .card('Reddit')
    .getByText('Reddit could not complete the sign-in. Nothing was changed.')
    .waitFor();
  assert.deepEqual(await listed(), []);
});

test('an in-app browser shows a notice with the URL to copy', async () => {
  const userAgent =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Instagram 400.0';
  const visit = await env.visit(DEMO, {
    ...PHONE,
    userAgent,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const notice = visit.page
    .getByRole('note')
    .filter({ hasText: 'This app’s built-in browser cannot connect accounts' });
  await notice.getByRole('button', { name: 'Copy link' }).click();
  await visit.waitForToast('Copied.');
  assert.equal(await visit.page.evaluate(() => navigator.clipboard.readText()), visit.page.url());
  const usual = await env.visit();
  assert.equal(await usual.page.getByRole('note').count(), 0);
});
