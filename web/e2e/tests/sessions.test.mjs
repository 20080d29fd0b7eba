/** Who is signed in: how one comes in, becomes somebody else, goes out, and what other tabs see of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, NEW, NOBODY, stage } from '../lib/stage.mjs';

const here = stage();
const ENDED = 'You are signed out. Open this page again from your app.';

/** @param {import('../lib/visit.mjs').Visit} visit */
async function cookieOf({ profile }) {
  const [cookie, ...others] = await profile.cookies(here.url);
  assert(cookie);
  assert.deepEqual(others, []);
  return cookie;
}

/** How the server answers whoever holds this cookie. @param {{ name: string, value: string }} cookie */
async function statusFor({ name, value }) {
  const headers = { cookie: `${name}=${value}` };
  return (await fetch(`${here.url}/console/session`, { headers })).status;
}

test('in dev whoever opens the console is the first of its people', async () => {
  const visit = await here.visit(NOBODY);
  const page = await visit.open('/');
  const menu = page.getByRole('button', { name: 'Demo creator, account menu' });
  await menu.click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await menu.waitFor();
});

test('a link from the app opens the console once', async () => {
  const link = await here.portalLink(NEW);
  const visit = await here.visit(NOBODY);
  const page = await visit.profile.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'New user, account menu' }).waitFor();
  assert.equal(page.url(), `${here.url}/integrations`);
  const other = await here.visit(NOBODY);
  const late = await other.profile.newPage();
  const answer = await late.goto(link);
  assert.equal(answer?.status(), 410);
  assert.equal((await answer.allHeaders())['set-cookie'], undefined);
  await late.getByRole('heading', { level: 1, name: 'This link opens nothing any more' }).waitFor();
});

test('item 30: whoever comes in gets another session than the browser had, which ends', async () => {
  const visit = await here.visit(DEMO);
  const before = await cookieOf(visit);
  assert.deepEqual([before.httpOnly, before.sameSite, before.path], [true, 'Lax', '/']);
  await visit.signIn(NEW);
  const after = await cookieOf(visit);
  assert.notEqual(after.value, before.value);
  assert.deepEqual([await statusFor(before), await statusFor(after)], [401, 200]);
});

test('item 30: signing out ends the session on the server, and needs the page’s token', async () => {
  const visit = await here.visit();
  const cookie = await cookieOf(visit);
  const headers = { cookie: `${cookie.name}=${cookie.value}` };
  const forged = await fetch(`${here.url}/console/session`, { method: 'DELETE', headers });
  assert.deepEqual([forged.status, await statusFor(cookie)], [403, 200]);
  await visit.page.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await visit.page.getByRole('button', { name: 'Sign out' }).click();
  await visit.page.getByRole('heading', { level: 1, name: ENDED }).waitFor();
  assert.deepEqual([await statusFor(cookie), await visit.profile.cookies()], [401, []]);
});

test('a session that the browser has lost is told as such', async () => {
  const visit = await here.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const ended = visit.page.getByRole('heading', { level: 1, name: ENDED });
  await visit.page.getByRole('button', { name: 'Actions for juniper_vale' }).click();
  await visit.profile.clearCookies();
  // Unless the page has found out meanwhile by a call of its own.
  await visit.page.getByRole('menuitem', { name: 'Renew now' }).or(ended).click();
  await ended.waitFor();
  assert.equal(await visit.page.title(), 'Signed out · Evergrant');
  assert.equal((await here.accounts()).length, 1);
});

test('a session that the app has ended is told at once, in every tab', async () => {
  const visit = await here.visit();
  const tab = await visit.open();
  await here.endSessions(DEMO);
  for (const page of [visit.page, tab]) {
    await page.getByRole('heading', { level: 1, name: ENDED }).waitFor();
  }
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
