/** A server that goes and comes back, one that asks for patience, and sessions that end or change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, NEW, stage } from '../lib/stage.mjs';

const here = stage();
const ENDED = 'You are signed out. Open this page again from your app.';

test('the server goes, what is known stays, and the server comes back', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.page.clock.install();
  await here.program.stop();
  await visit.page.clock.fastForward(31_000);
  await visit.page.getByText(/^The connection is lost\. What you see is from/).waitFor();
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  await here.program.start();
  await visit.page.getByRole('button', { name: 'Try now' }).click();
  await visit.page.getByText(/^The connection is lost/).waitFor({ state: 'hidden' });
});

test('a server that asks for patience is given it, with a countdown', async () => {
  const visit = await here.visit();
  const problem = { code: 'RATE_LIMIT_ERROR', status: 429, retryable: true, retryAfterSeconds: 60 };
  await visit.profile.route('**/api/integrations/status', (route) =>
    route.fulfill({ status: 429, contentType: 'application/problem+json', json: problem }),
  );
  const page = await visit.open();
  await page.getByText('That was too often. Wait a moment.').waitFor();
  await page.getByText(/^Next try in (?:60|5\d) seconds$/).waitFor();
  await visit.profile.unroute('**/api/integrations/status');
  await page.getByRole('button', { name: 'Try now' }).click();
  await visit.card('Reddit', page).waitFor();
});

test('a session that has ended is told as such', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await visit.profile.clearCookies();
  await visit.choose('juniper_vale', 'Renew now');
  await visit.page.getByRole('heading', { level: 1, name: ENDED }).waitFor();
  assert.equal(await visit.page.title(), 'Signed out · Evergrant');
});

test('signed out in one tab, signed out in the other', async () => {
  const visit = await here.visit();
  const tab = await visit.open();
  await tab.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await tab.getByRole('button', { name: 'Sign out' }).click();
  for (const page of [tab, visit.page]) await page.getByRole('heading', { level: 1, name: ENDED }).waitFor();
});

test('somebody else in one tab, somebody else in the other, and each sees only their own', async () => {
  const visit = await here.visit(DEMO);
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const tab = await visit.open();
  await tab.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await tab.getByRole('button', { name: 'New user', exact: true }).click();
  for (const page of [tab, visit.page]) {
    await page.getByRole('button', { name: 'New user, account menu' }).waitFor();
    await visit.card('Reddit', page).getByRole('button', { name: 'Connect Reddit' }).waitFor();
    assert.equal(await visit.row('juniper_vale', page).count(), 0);
  }
  await tab.bringToFront();
  visit.page = tab;
  await visit.connect('TikTok');
  await visit.told('Juniper Vale is connected.');
  assert.deepEqual([(await here.accounts(DEMO)).length, (await here.accounts(NEW)).length], [1, 1]);
});
