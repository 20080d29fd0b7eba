/**
 * Every page and dialog: no axe findings and no horizontal overflow, at three widths, light and
 * dark.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAudit, DEMO, NEW, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();
const PHONE = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

test('the empty list, the user menu and the signed-out page pass the audit', async () => {
  const { page } = await env.visit(NEW);
  await assertAudit(page, 'empty');
  await page.getByRole('button', { name: 'New user, account menu' }).click();
  await assertAudit(page, 'user-menu');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: /^You are signed out/ }).waitFor();
  await assertAudit(page, 'signed-out');
});

test('the pages without a session and without a server pass the audit', async () => {
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.profile.newPage();
  await page.route('**/console/session', (route) => route.fulfill({ status: 401, json: {} }));
  await page.goto(env.url);
  await page.getByRole('heading', { level: 1, name: 'To view this page, open it from your app.' }).waitFor();
  await assertAudit(page, 'no-session');
  await page.unroute('**/console/session');
  await page.route('**/console/session', (route) => route.abort());
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Evergrant is not responding.' }).waitFor();
  await assertAudit(page, 'unavailable');
  await page.unroute('**/console/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
});

test('the list, its menu, the disconnect dialog and “page not found” pass the audit', async () => {
  const visit = await env.visit(DEMO);
  const { page } = visit;
  await visit.connect('Reddit', { without: ['history'] });
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  await assertAudit(page, 'accounts');
  await visit.card('Reddit').getByText('Permissions, 3 of 4').click();
  await assertAudit(page, 'permissions');
  await visit.openMenu('juniper_vale');
  await assertAudit(page, 'account-menu');
  await page.getByRole('menuitem', { name: 'Disconnect…' }).click();
  await page.getByRole('alertdialog').waitFor();
  await assertAudit(page, 'disconnect');
  await page.goto(`${env.url}/nowhere`);
  await page.getByRole('heading', { level: 1, name: 'This page does not exist.' }).waitFor();
  await assertAudit(page, 'not-found');
  await page.getByRole('link', { name: 'Go to Integrations' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
  assert.equal(await page.title(), 'Integrations · Evergrant');
});

test('accounts to reconnect and the outage notice pass the audit', async () => {
  const visit = await env.visit(DEMO, { clock: true });
  const { page } = visit;
  await visit.connect('Reddit');
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  await env.control('revoke-user', { platform: 'reddit', person: 'juniper' });
  await env.api('refresh/reddit/sim9z', { method: 'POST' });
  await visit.row('juniper_vale').getByText('Reconnect required', { exact: true }).waitFor();
  await assertAudit(page, 'reconnect-required');
  await visit.profile.route('**/api/integrations/**', (route) => route.abort());
  await page.clock.fastForward(31_000);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.getByText(/^Connection lost/).waitFor();
  await assertAudit(page, 'stale');
  await visit.profile.unroute('**/api/integrations/**');
});

test('every step of a flow passes the audit', async () => {
  const visit = await env.visit();
  const { page } = visit;
  const card = visit.card('Reddit');
  // An isolated popup looks closed to its opener, and an automated browser reports every page as
  // focused.
  await visit.keepOpener();
  const popup = await visit.openConsent('Reddit');
  await card.getByText('Finish in the window that just opened.').waitFor();
  await assertAudit(page, 'waiting');
  await popup.close();
  await card.getByText('Did the window close before you finished?').waitFor();
  await assertAudit(page, 'unsure');
  const opened = page.waitForEvent('popup');
  await card.getByRole('button', { name: 'Open it again' }).click();
  await submitConsent(await opened, { answer: 'deny' });
  await card.getByText('You did not allow access at Reddit. Nothing was changed.').waitFor();
  await assertAudit(page, 'denied');
});

test('the dialogs of a flow and a flow of another browser pass the audit', async () => {
  const visit = await env.visit();
  const { page } = visit;
  await visit.connect('Instagram', { person: 'wren' });
  const which = page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await which.waitFor();
  await assertAudit(page, 'choose');
  await which.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  const session = page.getByRole('dialog', { name: 'Connect OnlyFans' });
  await session.waitFor();
  await assertAudit(page, 'session');
  await session.getByText('Enter the values manually').click();
  await assertAudit(page, 'session-by-hand');
  await session.getByRole('button', { name: 'Cancel' }).click();
  const popup = await visit.openConsent('Reddit');
  const other = await env.visit(NEW);
  const tab = await other.profile.newPage();
  await tab.setViewportSize({ width: 1280, height: 800 });
  await tab.goto(popup.url());
  await submitConsent(tab);
  await tab.getByText('This sign-in was started in another browser.').waitFor();
  await assertAudit(tab, 'other-browser');
  await visit.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
});

test('the notices for phones and in-app browsers pass the audit', async () => {
  const visit = await env.visit(DEMO, PHONE);
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  await visit.page.getByText('This needs a computer').waitFor();
  await assertAudit(visit.page, 'needs-computer');
  const { page } = await env.visit(DEMO, { userAgent: 'Mozilla/5.0 Instagram 400.0' });
  await page.getByRole('note').waitFor();
  await assertAudit(page, 'in-app');
});
