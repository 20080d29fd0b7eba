/**
 * The server's hosted pages, for apps that start a flow on their server and do not use the library.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAudit, DEMO, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment();

/**
 * Starts a flow as an app's server does, and opens it in the user's browser.
 * @param {string} provider
 */
async function startFlow(provider) {
  const body = { redirectUrl: `${env.url}/integrations` };
  const { authUrl } = await env.api(`connect/${provider}`, { method: 'POST', body });
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.profile.newPage();
  visit.page = page;
  await visit.signIn(DEMO);
  await page.goto(authUrl);
  return { visit, page };
}

test('item 56: the hosted choice of accounts has a CSP and keeps the app’s opener', async () => {
  const { visit, page } = await startFlow('instagram');
  const callback = page.waitForResponse(/\/api\/integrations\/callback\//);
  await submitConsent(page, { person: 'wren' });
  const headers = await (await callback).allHeaders();
  await page.getByRole('heading', { level: 1, name: 'Which Instagram accounts?' }).waitFor();
  assert.equal(headers['cross-origin-opener-policy'], undefined);
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert(policy.includes(`form-action 'self' ${env.url}`), policy);
  await assertAudit(page, 'hosted-choose');
  for (const box of await page.getByRole('checkbox').all()) await box.check();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.waitForURL(`${env.url}/integrations**`);
  await visit
    .card('Instagram')
    .getByRole('button', { name: /^Actions for/ })
    .nth(1)
    .waitFor();
  assert.equal((await env.accounts()).length, 2);
});

test('a session can be submitted on the hosted page', async () => {
  const { visit, page } = await startFlow('onlyfans');
  const { sess, auth_id, user_agent, x_bc } = await env.control('session', {
    platform: 'onlyfans',
    person: 'kiln',
  });
  visit.addSecrets(sess, x_bc);
  await page.getByRole('heading', { level: 1, name: 'Connect OnlyFans' }).waitFor();
  await assertAudit(page, 'hosted-session');
  await page.getByText('Enter the values manually').click();
  for (const [name, value] of Object.entries({ sess, auth_id, user_agent, x_bc })) {
    await page.locator(`[name=${name}]`).fill(value);
  }
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.waitForURL(`${env.url}/integrations**`);
  await visit
    .card('OnlyFans')
    .getByRole('button', { name: /^Actions for/ })
    .waitFor();
  assert.deepEqual(
    (await env.accounts()).map(({ provider }) => provider),
    ['onlyfans'],
  );
});

test('a callback with an unknown state shows the hosted error page', async () => {
  const { page } = await startFlow('reddit');
  await submitConsent(page, { misbehave: 'state-mangled' });
  await page.getByRole('heading', { level: 1, name: 'This sign-in could not be completed' }).waitFor();
  await assertAudit(page, 'hosted-failed');
  assert.deepEqual(await env.accounts(), []);
});
