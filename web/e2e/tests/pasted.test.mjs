/** A platform without a consent page: its session is copied out of a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from '../lib/stage.mjs';

const here = stage();

/** As a browser's "Copy as cURL" has it. @param {Record<string, string>} session */
function curl({ sess, auth_id, user_agent, x_bc }) {
  const headers = [
    `cookie: fp=1; sess=${sess}; auth_id=${auth_id}`,
    `user-agent: ${user_agent}`,
    `x-bc: ${x_bc}`,
  ];
  return ["curl 'https://onlyfans.com/api2/v2/users/me'", ...headers.map((one) => `-H '${one}'`)].join(
    ' \\\n  ',
  );
}

async function begin() {
  const visit = await here.visit();
  const session = await here.control('session', { platform: 'onlyfans', person: 'kiln' });
  visit.hide(session.sess, session.x_bc);
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  const dialog = visit.page.getByRole('dialog', { name: 'Connect OnlyFans' });
  await dialog.getByLabel('Copied request').fill(curl(session));
  await dialog.getByRole('list', { name: 'Read from what you pasted' }).waitFor();
  return { visit, dialog };
}

test('accepted', async () => {
  const { visit, dialog } = await begin();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await dialog.getByText('Please confirm this.').waitFor();
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await visit.told('is connected.');
  await dialog.waitFor({ state: 'detached' });
  const [account] = await here.accounts();
  assert.deepEqual([account?.provider, account?.providerAccountId], ['onlyfans', '900001']);
});

test('refused: the dialog stays, says why, and keeps nothing of the session', async () => {
  const { visit, dialog } = await begin();
  await here.control('revoke-user', { platform: 'onlyfans', person: 'kiln' });
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  const field = dialog.getByLabel('sess', { exact: true });
  await dialog.getByText('OnlyFans says that this session has ended.').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await field.inputValue(), '');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).waitFor();
  assert.deepEqual(await here.accounts(), []);
});

test('on a phone it asks for a computer', async () => {
  const visit = await here.visit(1, {
    hasTouch: true,
    isMobile: true,
    viewport: { width: 390, height: 844 },
  });
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  await visit.page.getByText('This needs a computer').waitFor();
});
