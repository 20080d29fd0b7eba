/** A sign-in that takes longer than it may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage({ EVERGRANT_FLOW_TTL: '1' });

test('allowed too late, nothing is connected, and it can be tried again', async () => {
  const visit = await here.visit();
  const begun = visit.page.waitForResponse(/\/api\/integrations\/connect\/reddit$/);
  const popup = await visit.begin('Reddit');
  const { flowId } = await (await begun).json();
  // The server says when it is over.
  while ((await here.api(`flows/${flowId}`)).status === 'waiting');
  await consent(popup);
  const card = visit.card('Reddit');
  await card.getByText('This took too long or was done already. Nothing was changed.').waitFor();
  await card.getByRole('button', { name: 'Try again' }).waitFor();
  assert.deepEqual(await here.accounts(), []);
});
