/** Connected accounts: choosing, adding, reconnecting, refreshing and disconnecting them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, NEW, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();
const usernames = async () => (await env.accounts()).map(({ username }) => username).toSorted();

test('a consent that covers several accounts asks which ones to connect', async () => {
  const visit = await env.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.waitFor();
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  await dialog.getByRole('button', { name: 'Connect 2 accounts' }).click();
  await visit.waitForToast('are connected.');
  const [first, second, ...others] = await env.accounts();
  assert.deepEqual([first?.provider, second?.provider, others], ['instagram', 'instagram', []]);
  for (const one of [first, second]) await visit.row(one?.displayName ?? '').waitFor();
});

test('only the chosen accounts are connected', async () => {
  const visit = await env.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.waitFor();
  const [chosen, ...others] = await dialog.getByRole('checkbox').all();
  await chosen?.check();
  for (const box of others) await box.uncheck();
  await dialog.getByRole('button', { name: 'Connect 1 account' }).click();
  await visit.waitForToast('is connected.');
  const [account, ...more] = await env.accounts();
  assert.deepEqual(more, []);
  await visit.row(account?.displayName ?? '').waitFor();
});

test('cancelling the choice of accounts connects none', async () => {
  const visit = await env.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('Instagram').getByRole('button', { name: 'Connect Instagram' }).waitFor();
  assert.deepEqual(await env.accounts(), []);
});

test('a consent without a connectable account shows an error', async () => {
  const visit = await env.visit();
  await visit.connect('Instagram', { person: 'kiln' });
  const text = 'This sign-in includes no Instagram account that can be connected.';
  await visit.card('Instagram').getByText(text).waitFor();
  assert.deepEqual(await env.accounts(), []);
});

test('connecting an account again does not duplicate it', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { person: 'juniper' });
  await visit.row('juniper_vale').waitFor();
  await visit.connect('Reddit', { person: 'kiln', button: 'Connect another account' });
  await visit.row('kiln_osei').waitFor();
  await visit.connect('Reddit', { person: 'juniper', button: 'Connect another account' });
  await visit.waitForToast('juniper_vale is connected.');
  assert.deepEqual(await usernames(), ['juniper_vale', 'kiln_osei']);
  assert.equal(
    await visit
      .card('Reddit')
      .getByRole('button', { name: /^Actions for/ })
      .count(),
    2,
  );
});

test('an account of another user is not taken over', async () => {
  const owner = await env.visit(NEW);
  await owner.connect('Reddit', { person: 'kiln' });
  await owner.waitForToast('kiln_osei is connected.');
  const visit = await env.visit(DEMO);
  await visit.connect('Reddit', { person: 'kiln' });
  const text = /^This Reddit account belongs to another user here\. Disconnect it there/;
  await visit.card('Reddit').getByText(text).waitFor();
  assert.deepEqual([(await env.accounts(DEMO)).length, (await env.accounts(NEW)).length], [0, 1]);
});

test('reconnecting with another account changes nothing', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit', { person: 'juniper' });
  await visit.row('juniper_vale').waitFor();
  const opened = visit.page.waitForEvent('popup');
  await visit.chooseAction('juniper_vale', 'Reconnect');
  await submitConsent(await opened, { person: 'kiln' });
  const text = /^You signed in to Reddit .*Nothing was changed\. Switch/;
  await visit.card('Reddit').getByText(text).waitFor();
  assert.deepEqual(await usernames(), ['juniper_vale']);
});

test('an account can be refreshed by hand', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.addTokensAsSecrets();
  const [before] = await env.accounts();
  await visit.chooseAction('juniper_vale', 'Refresh now');
  await visit.waitForToast('juniper_vale was refreshed.');
  const [after] = await env.accounts();
  assert.notEqual(after?.lastRefreshedAt, before?.lastRefreshedAt);
});

// Uses TikTok, which no other test here needs: the server blocks calls to the platform for the whole
// Retry-After.
test('a rate-limited refresh shows a message and keeps the account connected', async () => {
  const visit = await env.visit();
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  const response = { status: 429, headers: { 'retry-after': '60' } };
  await env.control('faults', {
    platform: 'tiktok',
    endpoint: 'token.refresh_token',
    kind: 'respond',
    ...response,
  });
  await visit.chooseAction('Juniper Vale', 'Refresh now');
  await visit.waitForToast('There are too many requests for TikTok at the moment.');
  await visit.row('Juniper Vale').getByText('Connected', { exact: true }).waitFor();
  assert.deepEqual(
    (await env.accounts()).map(({ status }) => status),
    ['connected'],
  );
});

test('a revocation and its reconnect show in every tab', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const tab = await visit.open();
  await env.control('revoke-user', { platform: 'reddit', person: 'juniper' });
  await env.api('refresh/reddit/sim9z', { method: 'POST' });
  for (const page of [visit.page, tab]) {
    await visit.row('juniper_vale', page).getByText('Reconnect required', { exact: true }).waitFor();
  }
  await visit.page.bringToFront();
  const [before] = await env.accounts();
  assert.deepEqual([before?.status, before?.isConnected], ['expired', false]);
  const opened = visit.page.waitForEvent('popup');
  await visit.page.getByRole('button', { name: 'Reconnect: juniper_vale' }).click();
  await submitConsent(await opened);
  for (const page of [visit.page, tab]) {
    await visit.row('juniper_vale', page).getByText('Connected', { exact: true }).waitFor();
  }
  const [after] = await env.accounts();
  assert.deepEqual([after?.id, after?.status], [before?.id, 'connected']);
});

test('disconnecting reports that the platform confirmed the revocation', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.addTokensAsSecrets();
  await visit.chooseAction('juniper_vale', 'Disconnect…');
  const dialog = visit.page.getByRole('alertdialog', { name: 'Disconnect juniper_vale from Reddit?' });
  await dialog.getByRole('button', { name: 'Disconnect', exact: true }).click();
  await visit.waitForToast('Disconnected. Reddit has confirmed it.');
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
  assert.deepEqual(await env.accounts(), []);
});

test('disconnecting reports that the platform has not confirmed yet', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await env.control('faults', {
    platform: 'reddit',
    endpoint: 'revoke',
    kind: 'respond',
    status: 503,
    times: 20,
  });
  await visit.chooseAction('juniper_vale', 'Disconnect…');
  await visit.page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect', exact: true }).click();
  await visit.waitForToast('Disconnected here. Reddit has not confirmed it yet');
  assert.deepEqual(await env.accounts(), []);
});
