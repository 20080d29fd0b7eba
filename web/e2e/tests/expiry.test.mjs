/** A flow that exceeds its lifetime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEnvironment } from '../lib/environment.mjs';
import { submitConsent } from '../lib/visit.mjs';

const env = testEnvironment({ EVERGRANT_FLOW_TTL: '1' });

test('a consent after the flow has expired connects nothing and can be retried', async () => {
  const visit = await env.visit();
  const connectResponse = visit.page.waitForResponse(/\/api\/integrations\/connect\/reddit$/);
  const popup = await visit.openConsent('Reddit');
  const { flowId } = await (await connectResponse).json();
  // Wait until the server reports the flow as expired.
  while ((await env.api(`flows/${flowId}`)).status === 'waiting');
  await submitConsent(popup);
  const card = visit.card('Reddit');
  await card.getByText('This sign-in has expired or was already completed. Start again.').waitFor();
  await card.getByRole('button', { name: 'Try again' }).waitFor();
  assert.deepEqual(await env.accounts(), []);
});
