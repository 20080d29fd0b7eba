/** A client that is typed by the OpenAPI document, as apps in TypeScript generate it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import createClient from 'openapi-fetch';
import { Program } from '../lib/program.mjs';

const program = new Program({});
const USER = '1';

before(() => program.start());
after(() => program.remove());

test('a typed client connects an account and reads its token', async () => {
  const client = /** @type {import('openapi-fetch').Client<import('../generated/openapi.js').paths>} */ (
    createClient({ baseUrl: program.url, headers: { authorization: `Bearer ${program.apiKey}` } })
  );
  const header = { 'Evergrant-User': USER };
  const started = await client.POST('/api/integrations/connect/{provider}', {
    params: { path: { provider: 'reddit' }, header },
    body: {},
  });
  assert(started.data, JSON.stringify(started.error));
  await consent(started.data.authUrl);

  const status = await client.GET('/api/integrations/status', { params: { header } });
  const [account] = status.data?.integrations ?? [];
  assert(account?.isConnected, JSON.stringify(status.error));
  const { provider, providerAccountId: accountId } = account;
  const token = await client.GET('/api/integrations/token/{provider}/{accountId}', {
    params: { path: { provider, accountId }, header },
  });
  assert(token.data?.accessToken, token.error?.code);

  const batch = await client.POST('/api/integrations/tokens', {
    params: { header },
    body: { accounts: [{ provider, accountId }] },
  });
  const [result] = batch.data?.tokens ?? [];
  assert(result && 'accessToken' in result);
  assert.equal(result.accessToken, token.data.accessToken);
});

/** Consents at the sandbox and follows the redirect to the callback. @param {string} authUrl */
async function consent(authUrl) {
  const approved = await fetch(`${program.sandbox}/control/approve`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authUrl, person: 'juniper' }),
  });
  const { location } = await approved.json();
  await fetch(location, { redirect: 'manual' });
}
