/** Accounts that are connected: more of them, mended, renewed, in trouble, gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, NEW, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();
const names = async () => (await here.accounts()).map(({ username }) => username).toSorted();

test('one consent that reaches several accounts asks which', async () => {
  const visit = await here.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.waitFor();
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  await dialog.getByRole('button', { name: 'Connect 2 accounts' }).click();
  await visit.told('are connected.');
  const [first, second, ...others] = await here.accounts();
  assert.deepEqual([first?.provider, second?.provider, others], ['instagram', 'instagram', []]);
  for (const one of [first, second]) await visit.row(one?.displayName ?? '').waitFor();
});

test('of several accounts only those are connected that were chosen', async () => {
  const visit = await here.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.waitFor();
  const [wanted, ...others] = await dialog.getByRole('checkbox').all();
  await wanted?.check();
  for (const box of others) await box.uncheck();
  await dialog.getByRole('button', { name: 'Connect 1 account' }).click();
  await visit.told('is connected.');
  const [account, ...more] = await here.accounts();
  assert.deepEqual(more, []);
  await visit.row(account?.displayName ?? '').waitFor();
});

test('a choice that is given up connects nothing', async () => {
  const visit = await here.visit();
  await visit.connect('Instagram', { person: 'wren' });
  const dialog = visit.page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('Instagram').getByRole('button', { name: 'Connect Instagram' }).waitFor();
  assert.deepEqual(await here.accounts(), []);
});

test('a sign-in that reaches no account that can be connected', async () => {
  const visit = await here.visit();
  await visit.connect('Instagram', { person: 'kiln' });
  const text = 'This sign-in reaches no Instagram account that can be connected.';
  await visit.card('Instagram').getByText(text).waitFor();
  assert.deepEqual(await here.accounts(), []);
});

test('a second account, and the first one once more', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { person: 'juniper' });
  await visit.row('juniper_vale').waitFor();
  await visit.connect('Reddit', { person: 'kiln', button: 'Connect another account' });
  await visit.row('kiln_osei').waitFor();
  await visit.connect('Reddit', { person: 'juniper', button: 'Connect another account' });
  await visit.told('juniper_vale is connected.');
  assert.deepEqual(await names(), ['juniper_vale', 'kiln_osei']);
  assert.equal(
    await visit
      .card('Reddit')
      .getByRole('button', { name: /^Actions for/ })
      .count(),
    2,
  );
});

test('an account of another user is left to them', async () => {
  const owner = await here.visit(NEW);
  await owner.connect('Reddit', { person: 'kiln' });
  await owner.told('kiln_osei is connected.');
  const visit = await here.visit(DEMO);
  await visit.connect('Reddit', { person: 'kiln' });
  const text = 'This account already belongs to another user here. Nothing was changed.';
  await visit.card('Reddit').getByText(text).waitFor();
  assert.deepEqual([(await here.accounts(DEMO)).length, (await here.accounts(NEW)).length], [0, 1]);
});

test('a reconnect with another account changes nothing', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit', { person: 'juniper' });
  await visit.row('juniper_vale').waitFor();
  const opened = visit.page.waitForEvent('popup');
  await visit.choose('juniper_vale', 'Reconnect');
  await consent(await opened, { person: 'kiln' });
  const text = 'You signed in with another account than the one to reconnect. Nothing was changed.';
  await visit.card('Reddit').getByText(text).waitFor();
  assert.deepEqual(await names(), ['juniper_vale']);
});

test('renewed now', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.hideTokens();
  const [before] = await here.accounts();
  await visit.choose('juniper_vale', 'Renew now');
  await visit.told('juniper_vale is renewed.');
  const [after] = await here.accounts();
  assert.notEqual(after?.lastRefreshedAt, before?.lastRefreshedAt);
});

// Not at the platform of the other tests: the program itself waits as it was told.
test('a platform that is asked too often', async () => {
  const visit = await here.visit();
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  const answer = { status: 429, headers: { 'retry-after': '60' } };
  await here.control('faults', {
    platform: 'tiktok',
    endpoint: 'token.refresh_token',
    kind: 'respond',
    ...answer,
  });
  await visit.choose('Juniper Vale', 'Renew now');
  await visit.told('That was too often. Wait a moment.');
  await visit.row('Juniper Vale').getByText('Connected', { exact: true }).waitFor();
  assert.deepEqual(
    (await here.accounts()).map(({ status }) => status),
    ['connected'],
  );
});

test('what is withdrawn at the platform is told in every tab, and so is its mending', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const tab = await visit.open();
  await here.control('revoke-user', { platform: 'reddit', person: 'juniper' });
  await here.api('refresh/reddit/sim9z', { method: 'POST' });
  for (const page of [visit.page, tab]) {
    await visit.row('juniper_vale', page).getByText('Needs you', { exact: true }).waitFor();
  }
  await visit.page.bringToFront();
  const [before] = await here.accounts();
  assert.deepEqual([before?.status, before?.isConnected], ['expired', false]);
  const opened = visit.page.waitForEvent('popup');
  await visit.page.getByRole('button', { name: 'Reconnect: juniper_vale' }).click();
  await consent(await opened);
  for (const page of [visit.page, tab]) {
    await visit.row('juniper_vale', page).getByText('Connected', { exact: true }).waitFor();
  }
  const [after] = await here.accounts();
  assert.deepEqual([after?.id, after?.status], [before?.id, 'connected']);
});

test('disconnected, and the platform has confirmed it', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.hideTokens();
  await visit.choose('juniper_vale', 'Disconnect…');
  const dialog = visit.page.getByRole('alertdialog', { name: 'Disconnect juniper_vale from Reddit?' });
  await dialog.getByRole('button', { name: 'Disconnect', exact: true }).click();
  await visit.told('Disconnected. Reddit has confirmed it.');
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
  assert.deepEqual(await here.accounts(), []);
});

test('disconnected, and the platform does not answer', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await here.control('faults', {
    platform: 'reddit',
    endpoint: 'revoke',
    kind: 'respond',
    status: 503,
    times: 20,
  });
  await visit.choose('juniper_vale', 'Disconnect…');
  await visit.page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect', exact: true }).click();
  await visit.told('Disconnected here. Reddit has not confirmed it yet');
  assert.deepEqual(await here.accounts(), []);
});
