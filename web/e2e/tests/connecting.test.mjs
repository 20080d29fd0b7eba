/** A sign-in in a window of its own: how it goes well, and all the ways in which it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();
/** What the server lists, as an app's server sees it. */
const listed = async () =>
  (await here.accounts()).map(({ provider, username, status }) => `${provider} ${username} ${status}`);
const JUNIPER = ['reddit juniper_vale connected'];
const PHONE = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

test('in a window', async (context) => {
  const visit = await here.visit();
  const popup = await visit.begin('Reddit');
  assert.equal(
    await popup.evaluate(() => window.opener),
    null,
    'the platform has cut the window off from its opener',
  );
  await consent(popup, { person: 'juniper' });
  const allowed = performance.now();
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  context.diagnostic(`from Allow to a connected card: ${Math.round(performance.now() - allowed)} ms`);
  await visit.told('juniper_vale is connected.');
  if (!popup.isClosed()) await popup.waitForEvent('close');
  assert.deepEqual(await listed(), JUNIPER);
});

test('in a window whose platform does not cut it off', async () => {
  const visit = await here.visit();
  await visit.leaveOpeners();
  const popup = await visit.begin('Reddit');
  assert.notEqual(await popup.evaluate(() => window.opener), null);
  const closed = popup.waitForEvent('close');
  await consent(popup);
  await closed;
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('with a finger the page itself goes, and comes back to where it was', async () => {
  const visit = await here.visit(DEMO, PHONE);
  await visit.card('TikTok').getByRole('button', { name: 'Connect TikTok' }).click();
  await consent(visit.page);
  await visit.told('Juniper Vale is connected.');
  assert.equal(visit.page.url(), `${here.url}/integrations`);
  assert.equal(
    await visit.page.evaluate(() => document.activeElement?.getAttribute('data-provider')),
    'tiktok',
  );
  assert.deepEqual(await listed(), ['tiktok juniper.vale connected']);
});

test('a browser that blocks windows goes itself, without a word', async () => {
  const visit = await here.visit();
  await visit.page.evaluate(() => {
    window.open = () => null;
  });
  await visit.card('Reddit').getByRole('button', { name: 'Connect Reddit' }).click();
  await consent(visit.page);
  await visit.told('juniper_vale is connected.');
  assert.equal(visit.page.url(), `${here.url}/integrations`);
  assert.deepEqual(await listed(), JUNIPER);
});

test('a window closed by hand is asked about, and given up', async () => {
  const visit = await here.visit();
  const popup = await visit.begin('Reddit');
  await popup.close();
  const card = visit.card('Reddit');
  await card.getByText('Did the window close before you finished?').waitFor();
  await card.getByRole('button', { name: 'Cancel' }).click();
  await card.getByRole('button', { name: 'Connect Reddit' }).waitFor();
  assert.deepEqual(await here.accounts(), []);
});

test('a window closed by hand is opened again', async () => {
  const visit = await here.visit();
  await (await visit.begin('Reddit')).close();
  const opened = visit.page.waitForEvent('popup');
  await visit.card('Reddit').getByRole('button', { name: 'Open it again' }).click();
  await consent(await opened);
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('finished late in another tab, it still connects', async () => {
  const visit = await here.visit();
  const popup = await visit.begin('Reddit');
  const address = popup.url();
  await popup.close();
  await visit.card('Reddit').getByText('Did the window close before you finished?').waitFor();
  const tab = await visit.profile.newPage();
  await tab.goto(address);
  await consent(tab);
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('not allowed', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { answer: 'deny' });
  const card = visit.card('Reddit');
  await card.getByText('You did not allow access. Nothing was changed.').waitFor();
  assert.deepEqual(await here.accounts(), []);
  await visit.connect('Reddit', { button: 'Try again' });
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(await listed(), JUNIPER);
});

test('a permission left out is told, and allowed afterwards', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { without: ['history'] });
  const row = visit.row('juniper_vale');
  await row.getByText('Not allowed: See your posts and comments.').waitFor();
  assert.equal((await here.accounts())[0]?.statusReason, 'SCOPE_MISSING');
  const opened = visit.page.waitForEvent('popup');
  await row.getByRole('button', { name: 'Allow it: juniper_vale' }).click();
  await consent(await opened);
  await row.getByText('Not allowed').waitFor({ state: 'hidden' });
  const accounts = await here.accounts();
  assert.deepEqual(
    accounts.map(({ statusReason = null }) => statusReason),
    [null],
  );
});

test('a platform that comes back with a failure', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { misbehave: 'dialog-error' });
  await visit
    .card('Reddit')
    .getByText('Reddit could not complete the sign-in. Nothing was changed.')
    .waitFor();
  assert.deepEqual(await here.accounts(), []);
});

test('a code that has ended', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { misbehave: 'code-expired' });
  await visit
    .card('Reddit')
    .getByText('Reddit could not complete the sign-in. Nothing was changed.')
    .waitFor();
  assert.deepEqual(await listed(), []);
});

test('an app’s own browser is told that it cannot connect, and gets the address to take along', async () => {
  const userAgent =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Instagram 400.0';
  const visit = await here.visit(DEMO, {
    ...PHONE,
    userAgent,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const notice = visit.page.getByRole('note').filter({ hasText: 'This app’s own browser cannot be used' });
  await notice.getByRole('button', { name: 'Copy link' }).click();
  await visit.told('Copied.');
  assert.equal(await visit.page.evaluate(() => navigator.clipboard.readText()), visit.page.url());
  const usual = await here.visit();
  assert.equal(await usual.page.getByRole('note').count(), 0);
});
