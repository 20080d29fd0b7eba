/** The program's own pages, for apps whose server begins a consent and whose pages know nothing of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWellMade, DEMO, NOBODY, stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage();

/** As an app's server begins, and its user's browser goes on. @param {string} provider */
async function begin(provider) {
  const body = { redirectUrl: `${here.url}/integrations` };
  const { authUrl } = await here.api(`connect/${provider}`, { method: 'POST', body });
  const visit = await here.visit(NOBODY);
  const page = await visit.profile.newPage();
  visit.page = page;
  await visit.signIn(DEMO);
  await page.goto(authUrl);
  return { visit, page };
}

test('item 56: which accounts, asked on a page of ours that leaves an app its window', async () => {
  const { visit, page } = await begin('instagram');
  const shown = page.waitForResponse(/\/api\/integrations\/callback\//);
  await consent(page, { person: 'wren' });
  const headers = await (await shown).allHeaders();
  await page.getByRole('heading', { level: 1, name: 'Which Instagram accounts?' }).waitFor();
  assert.equal(headers['cross-origin-opener-policy'], undefined);
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert(policy.includes(`form-action 'self' ${here.url}`), policy);
  await assertWellMade(page, 'hosted-choose');
  for (const box of await page.getByRole('checkbox').all()) await box.check();
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.waitForURL(`${here.url}/integrations**`);
  await visit
    .card('Instagram')
    .getByRole('button', { name: /^Actions for/ })
    .nth(1)
    .waitFor();
  assert.equal((await here.accounts()).length, 2);
});

test('a session, pasted on a page of ours', async () => {
  const { visit, page } = await begin('onlyfans');
  const { sess, auth_id, user_agent, x_bc } = await here.control('session', {
    platform: 'onlyfans',
    person: 'kiln',
  });
  visit.hide(sess, x_bc);
  await page.getByRole('heading', { level: 1, name: 'Connect OnlyFans' }).waitFor();
  await assertWellMade(page, 'hosted-session');
  await page.getByText('Fill in the parts one by one').click();
  for (const [name, value] of Object.entries({ sess, auth_id, user_agent, x_bc })) {
    await page.locator(`[name=${name}]`).fill(value);
  }
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Save and connect' }).click();
  await page.waitForURL(`${here.url}/integrations**`);
  await visit
    .card('OnlyFans')
    .getByRole('button', { name: /^Actions for/ })
    .waitFor();
  assert.deepEqual(
    (await here.accounts()).map(({ provider }) => provider),
    ['onlyfans'],
  );
});

test('what came back belongs nowhere', async () => {
  const { page } = await begin('reddit');
  await consent(page, { misbehave: 'state-mangled' });
  await page.getByRole('heading', { level: 1, name: 'This sign-in could not be completed' }).waitFor();
  await assertWellMade(page, 'hosted-failed');
  assert.deepEqual(await here.accounts(), []);
});
