/** A platform without OAuth: the user pastes a browser session. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();

/**
 * Returns a session as copied by a browser's "Copy as cURL".
 * @param {Record<string, string>} session
 */
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

/** Opens the dialog and pastes a valid session into it. */
async function pasteSession() {
  const visit = await env.visit();
  const session = await env.control('session', { platform: 'onlyfans', person: 'kiln' });
  visit.addSecrets(session.sess, session.x_bc);
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  const dialog = visit.page.getByRole('dialog', { name: 'Connect OnlyFans' });
  await dialog.getByLabel('Copied request').fill(curl(session));
  await dialog.getByRole('list', { name: 'Found in the pasted text' }).waitFor();
  return { visit, dialog };
}

test('a pasted session connects an account once confirmed', async () => {
  const { visit, dialog } = await pasteSession();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await dialog.getByText('Please confirm this to continue.').waitFor();
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await visit.waitForToast('is connected.');
  await dialog.waitFor({ state: 'detached' });
  const [account] = await env.accounts();
  assert.deepEqual([account?.provider, account?.providerAccountId], ['onlyfans', '900001']);
});

test('a rejected session shows an error, and stays in the dialog until it closes', async () => {
  const { visit, dialog } = await pasteSession();
  await env.control('revoke-user', { platform: 'onlyfans', person: 'kiln' });
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  const box = dialog.getByLabel('Copied request');
  await dialog.getByText('OnlyFans says that this session has ended.').waitFor();
  assert.equal(await box.getAttribute('aria-invalid'), 'true');
  assert.match(await box.inputValue(), /^curl /);
  assert.equal(await dialog.locator('details').getAttribute('open'), null);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).waitFor();
  assert.equal(await visit.page.locator('dialog').count(), 0);
  assert.deepEqual(await env.accounts(), []);
});

test('the form of the server keeps a rejected session, and links the sign-in page of the sandbox', async () => {
  const visit = await env.visit();
  const session = await env.control('session', { platform: 'onlyfans', person: 'kiln' });
  visit.addSecrets(session.sess, session.x_bc);
  const { page } = visit;
  const { authUrl } = await env.api('connect/onlyfans', { method: 'POST', body: {} });
  await page.goto(authUrl);
  const link = page.getByRole('link', { name: 'Open OnlyFans' });
  assert.match((await link.getAttribute('href')) ?? '', /^http:\/\/127\.0\.0\.1:\d+\/onlyfans\/$/);
  await page.getByLabel('Copied request').fill(`sess=${session.sess}; auth_id=${session.auth_id}`);
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('The pasted text contains no User-Agent or x-bc.').waitFor();
  await page.getByText('sess: found').waitFor();
  assert.equal(await page.getByLabel('Copied request').inputValue(), '');
  await page.getByLabel('User-Agent').fill(session.user_agent);
  await page.getByLabel('x-bc').fill(session.x_bc);
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.waitForURL(/status=connected/);
});

test('a phone shows that this needs a computer', async () => {
  const visit = await env.visit(1, {
    hasTouch: true,
    isMobile: true,
    viewport: { width: 390, height: 844 },
  });
  await visit.card('OnlyFans').getByRole('button', { name: 'Connect OnlyFans' }).click();
  await visit.page.getByText('This needs a computer').waitFor();
});
