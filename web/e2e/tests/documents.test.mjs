/**
 * The pages for developers: the API's description at `/docs/`, the error codes, and the sandbox's
 * own pages. No axe findings, no horizontal overflow and no invisible text.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAudit, SIGNED_OUT, testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();

/** Opens a page in a browser without a session. @param {string} url */
async function open(url) {
  const visit = await env.visit(SIGNED_OUT);
  const page = await visit.profile.newPage();
  await page.goto(url);
  return page;
}

test('the description of the API passes the audit, with its operations open and closed', async () => {
  const page = await open(`${env.program.url}/docs/`);
  await page.locator('.opblock-tag').first().waitFor();
  await assertAudit(page, 'docs');
  for (const path of ['/api/users', '/api/integrations/tokens', '/api/integrations/callback/{provider}']) {
    const operation = page.locator('.opblock-summary-control', { hasText: path }).first();
    await operation.click();
    await page.locator('.opblock.is-open .responses-table').last().waitFor();
  }
  await assertAudit(page, 'docs-operations');
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  await page.getByRole('heading', { name: 'Available authorizations' }).waitFor();
  await assertAudit(page, 'docs-authorize');
});

test('an operation opened by its address is shown', async () => {
  const page = await open(`${env.program.url}/docs/#/Users/createUser`);
  const operation = page.locator('.opblock.is-open .opblock-summary-path');
  assert.match((await operation.textContent()) ?? '', /\/api\/users/);
});

test('the error codes pass the audit', async () => {
  const page = await open(`${env.program.url}/errors`);
  await assertAudit(page, 'errors');
});

test('the pages of the sandbox pass the audit', async () => {
  const page = await open(env.program.sandbox);
  await assertAudit(page, 'sandbox');
  await page.goto(`${env.program.sandbox}/onlyfans/`);
  await assertAudit(page, 'sandbox-sign-in');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: /^Signed in as/ }).waitFor();
  await assertAudit(page, 'sandbox-session');
  for (const provider of ['instagram', 'tiktok', 'reddit']) {
    const { authUrl } = await env.api(`connect/${provider}`, { method: 'POST', body: {} });
    await page.goto(authUrl);
    await assertAudit(page, `sandbox-consent-${provider}`);
  }
  await page.goto(`${env.program.sandbox}/reddit/www/api/v1/authorize?client_id=x`);
  await assertAudit(page, 'sandbox-error');
});
