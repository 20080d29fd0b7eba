/** Every page and every dialog: no finding of axe, no sideways scroll, at three widths, light and dark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWellMade, DEMO, NEW, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();

test('an empty list, an account menu, a menu of people, and the page of somebody signed out', async () => {
  const { page } = await here.visit(NEW);
  await assertWellMade(page, 'empty');
  await page.getByRole('button', { name: 'New user, account menu' }).click();
  await assertWellMade(page, 'people');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: /^You are signed out/ }).waitFor();
  await assertWellMade(page, 'signed-out');
});

test('a list with an account, its menu, what is asked before it goes, and a page that there is not', async () => {
  const visit = await here.visit(DEMO);
  const { page } = visit;
  await visit.connect('Reddit', { without: ['history'] });
  await visit.connect('TikTok');
  await visit.row('Juniper Vale').waitFor();
  await assertWellMade(page, 'accounts');
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
  await session.getByText('Fill it in by hand').click();
  await assertWellMade(page, 'session');
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
