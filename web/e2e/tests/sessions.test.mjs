/** Console sessions: signing in, switching users, signing out, and what other tabs show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, NEW, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();
const SIGNED_OUT_TEXT = 'You are signed out. To sign in again, open this page from your app.';

/** @param {import('../lib/visit.mjs').Visit} visit */
async function cookieOf({ profile }) {
  const [cookie, ...others] = await profile.cookies(env.url);
  assert(cookie);
  assert.deepEqual(others, []);
  return cookie;
}

/**
 * Returns the status of a session request with this cookie.
 * @param {{ name: string, value: string }} cookie
 */
async function statusFor({ name, value }) {
  const headers = { cookie: `${name}=${value}` };
  return (await fetch(`${env.url}/console/session`, { headers })).status;
}

test('evergrant dev signs in its first user when the console is opened', async () => {
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.open('/');
  const menu = page.getByRole('button', { name: 'Demo creator, account menu' });
  await menu.click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await menu.waitFor();
});

test('a portal link works once', async () => {
  const link = await env.portalLink(NEW);
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.profile.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'New user, account menu' }).waitFor();
  assert.equal(page.url(), `${env.url}/integrations`);
  const other = await env.visit(SIGNED_OUT);
  const late = await other.profile.newPage();
  const response = await late.goto(link);
  assert.equal(response?.status(), 410);
  assert.equal((await response.allHeaders())['set-cookie'], undefined);
  await late.getByRole('heading', { level: 1, name: 'This link has expired' }).waitFor();
});

test('item 30: signing in replaces the browser’s session and ends the old one', async () => {
  const visit = await env.visit(DEMO);
  const before = await cookieOf(visit);
  assert.deepEqual([before.httpOnly, before.sameSite, before.path], [true, 'Lax', '/']);
  await visit.signIn(NEW);
  const after = await cookieOf(visit);
  assert.notEqual(after.value, before.value);
  assert.deepEqual([await statusFor(before), await statusFor(after)], [401, 200]);
});

test('item 30: signing out ends the session on the server, and needs the CSRF token', async () => {
  const visit = await env.visit();
  const cookie = await cookieOf(visit);
  const headers = { cookie: `${cookie.name}=${cookie.value}` };
  const forged = await fetch(`${env.url}/console/session`, { method: 'DELETE', headers });
  assert.deepEqual([forged.status, await statusFor(cookie)], [403, 200]);
  await visit.page.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await visit.page.getByRole('button', { name: 'Sign out' }).click();
  await visit.page.getByRole('heading', { level: 1, name: SIGNED_OUT_TEXT }).waitFor();
  assert.deepEqual([await statusFor(cookie), await visit.profile.cookies()], [401, []]);
});

test('a browser that has lost its cookie shows as signed out', async () => {
  const visit = await env.visit();
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  const ended = visit.page.getByRole('heading', { level: 1, name: SIGNED_OUT_TEXT });
  await visit.openMenu('juniper_vale');
  await visit.profile.clearCookies();
  // The page may have noticed already through a request of its own.
  await visit.page.getByRole('menuitem', { name: 'Refresh now' }).or(ended).click();
  await ended.waitFor();
  assert.equal(await visit.page.title(), 'Signed out · Evergrant');
  assert.equal((await env.accounts()).length, 1);
});

test('a session ended by the app shows as signed out in every tab', async () => {
  const visit = await env.visit();
  const tab = await visit.open();
  await env.endSessions(DEMO);
  for (const page of [visit.page, tab]) {
    await page.getByRole('heading', { level: 1, name: SIGNED_OUT_TEXT }).waitFor();
  }
});

test('signing out in one tab signs out the others', async () => {
  const visit = await env.visit();
  const tab = await visit.open();
  await tab.getByRole('button', { name: 'Demo creator, account menu' }).click();
  await tab.getByRole('button', { name: 'Sign out' }).click();
  for (const page of [tab, visit.page])
    await page.getByRole('heading', { level: 1, name: SIGNED_OUT_TEXT }).waitFor();
});

test('switching users in one tab switches all tabs to that user’s accounts', async () => {
  const visit = await env.visit(DEMO);
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
  await visit.waitForToast('Juniper Vale is connected.');
  assert.deepEqual([(await env.accounts(DEMO)).length, (await env.accounts(NEW)).length], [1, 1]);
});
