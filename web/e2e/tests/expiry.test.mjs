/** A sign-in that takes longer than it may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const here = stage({ EVERGRANT_FLOW_TTL: '1' });

test('allowed too late, nothing is connected, and it can be tried again', async () => {
  const visit = await here.visit();
  const popup = await visit.begin('Reddit');
  const card = visit.card('Reddit');
  const { pathname } = new URL(await flowOf(visit.page));
  // The server says when it is over; until then it is asked as the page asks.
  while (
    (await visit.profile.request.get(here.url + pathname).then((one) => one.json())).status === 'waiting'
  );
  await consent(popup);
  await card.getByText('This took too long or was done already. Nothing was changed.').waitFor();
  await card.getByRole('button', { name: 'Try again' }).waitFor();
  assert.deepEqual(await here.accounts(), []);
});

/** @param {import('playwright-core').Page} page */
async function flowOf(page) {
  const asked = await page.waitForRequest(/\/api\/integrations\/flows\/[^/]+$/);
  return asked.url();
}
