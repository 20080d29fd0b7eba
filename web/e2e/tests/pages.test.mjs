/** Every page and every dialog: no finding of axe, no sideways scroll, at three widths, light and dark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWellMade, DEMO, NEW, NOBODY, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();
const PHONE = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

test('an empty list, an account menu, a menu of people, and the page of somebody signed out', async () => {
  const { page } = await here.visit(NEW);
  await assertWellMade(page, 'empty');
  await page.getByRole('button', { name: 'New user, account menu' }).click();
  await assertWellMade(page, 'people');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: /^You are signed out/ }).waitFor();
  await assertWellMade(page, 'signed-out');
});

test('somebody who never was signed in, and a server that does not say', async () => {
  const visit = await here.visit(NOBODY);
  const page = await visit.profile.newPage();
  await page.route('**/console/session', (route) => route.fulfill({ status: 401, json: {} }));
  await page.goto(here.url);
  await page.getByRole('heading', { level: 1, name: 'This page opens from your app.' }).waitFor();
  await assertWellMade(page, 'never-signed-in');
  await page.unroute('**/console/session');
  await page.route('**/console/session', (route) => route.abort());
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Evergrant is not answering.' }).waitFor();
  await assertWellMade(page, 'no-answer');
  await page.unroute('**/console/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
});

test('a list with accounts, its menu, what is asked before one goes, and a page that there is not', async () => {
  const visit = await here.visit(DEMO);
  const { page } = visit;
  await visit.connect('Reddit', { without: ['history'] });
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  await assertWellMade(page, 'accounts');
  await visit.card('Reddit').getByText('Permissions, 3 of 4').click();
  await assertWellMade(page, 'permissions');
  await page.getByRole('button', { name: 'Actions for juniper_vale' }).click();
  await assertWellMade(page, 'account-menu');
  await page.getByRole('menuitem', { name: 'Disconnect…' }).click();
  await page.getByRole('alertdialog').waitFor();
  await assertWellMade(page, 'disconnect');
  await page.goto(`${here.url}/nowhere`);
  await page.getByRole('heading', { level: 1, name: 'There is no page at this address.' }).waitFor();
  await assertWellMade(page, 'not-found');
  await page.getByRole('link', { name: 'Go to Integrations' }).click();
  await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
  assert.equal(await page.title(), 'Integrations · Evergrant');
});

test('accounts that need their owner, and a server that has gone', async () => {
  const visit = await here.visit(DEMO, { clock: true });
  const { page } = visit;
  await visit.connect('Reddit');
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  await here.control('revoke-user', { platform: 'reddit', person: 'juniper' });
  await here.api('refresh/reddit/sim9z', { method: 'POST' });
  await visit.row('juniper_vale').getByText('Needs you', { exact: true }).waitFor();
  await assertWellMade(page, 'needs-you');
  await visit.profile.route('**/api/integrations/**', (route) => route.abort());
  await page.clock.fastForward(31_000);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.getByText(/^The connection is lost/).waitFor();
  await assertWellMade(page, 'stale');
  await visit.profile.unroute('**/api/integrations/**');
});

test('how far a sign-in has come', async () => {
  const visit = await here.visit();
  const { page } = visit;
  const card = visit.card('Reddit');
  // A window that is cut off looks closed, and every page of a driven browser looks focused.
  await visit.leaveOpeners();
  const popup = await visit.begin('Reddit');
  await card.getByText('Finish in the window that just opened.').waitFor();
  await assertWellMade(page, 'waiting');
  await popup.close();
  await card.getByText('Did the window close before you finished?').waitFor();
  await assertWellMade(page, 'unsure');
  const opened = page.waitForEvent('popup');
  await card.getByRole('button', { name: 'Open it again' }).click();
  await consent(await opened, { answer: 'deny' });
  await card.getByText('You did not allow access. Nothing was changed.').waitFor();
  await assertWellMade(page, 'denied');
});

test('which accounts, which session, and a consent that began elsewhere', async () => {
  const visit = await here.visit();
  const { page } = visit;
  await visit.connect('Instagram', { person: 'wren' });
  const which = page.getByRole('dialog', { name: 'Which Instagram accounts?' });
  await which.waitFor();
  await assertWellMade(page, 'choose');
  await which.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  const session = page.getByRole('dialog', { name: 'Connect OnlyFans' });
  await assertWellMade(page, 'session');
  await session.getByText('Fill it in by hand').click();
  await assertWellMade(page, 'session-by-hand');
  await session.getByRole('button', { name: 'Cancel' }).click();
  const popup = await visit.begin('Reddit');
  const other = await here.visit(NEW);
  const tab = await other.profile.newPage();
  await tab.setViewportSize({ width: 1280, height: 800 });
  await tab.goto(popup.url());
  await consent(tab);
  await tab.getByText('This was begun in another browser.').waitFor();
  await assertWellMade(tab, 'elsewhere');
  await visit.card('Reddit').getByRole('button', { name: 'Cancel' }).click();
});

test('a phone that cannot copy a session, and a browser that cannot connect', async () => {
  const visit = await here.visit(DEMO, PHONE);
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  await visit.page.getByText('This needs a computer').waitFor();
  await assertWellMade(visit.page, 'needs-computer');
  const { page } = await here.visit(DEMO, { userAgent: 'Mozilla/5.0 Instagram 400.0' });
  await page.getByRole('note').waitFor();
  await assertWellMade(page, 'in-app');
});
