/** A server that goes and comes back, and one that asks for patience. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, stage } from '../lib/stage.mjs';

const here = stage();

test('the server goes, what is known stays, and the server comes back', async () => {
  const visit = await here.visit(DEMO, { clock: true });
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  // It stands still from here on, or the page finds the server again by itself.
  await visit.page.clock.pauseAt(Date.now() + 1000);
  await here.program.stop();
  const lost = visit.page.getByText(/^The connection is lost\. What you see is from/);
  for (let second = 0; second < 60 && !(await lost.isVisible()); second++)
    await visit.page.clock.runFor(1000);
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  await here.program.start();
  await visit.page.getByRole('button', { name: 'Try now' }).click();
  await lost.waitFor({ state: 'hidden' });
  assert.deepEqual(
    (await here.accounts()).map(({ status }) => status),
    ['connected'],
  );
});

test('a server that is away is asked later and later, and found again by itself', async () => {
  const visit = await here.visit(DEMO, { clock: true });
  const { page } = visit;
  const lost = page.getByText(/^The connection is lost/);
  let tries = 0;
  /** @type {Promise<unknown>} */
  let answer = Promise.resolve();
  page.on('request', (request) => {
    if (!request.url().endsWith('/status')) return;
    tries++;
    answer = request.response().catch(() => null);
  });
  const seconds = async (count = 1) => {
    for (; count > 0; count--) {
      await page.clock.runFor(1000);
      await answer;
    }
  };
  await here.program.stop();
  await seconds(31);
  await lost.waitFor();
  const perMinute = [];
  for (let minute = 0; minute < 4; minute++) {
    tries = 0;
    await seconds(60);
    perMinute.push(tries);
  }
  const [first = 0, ...later] = perMinute;
  assert(first >= 2 && first <= 10, `${first} tries in the first minute`);
  for (const count of later) assert(count >= 1 && count <= 5, `${perMinute} tries a minute`);
  await here.program.start();
  for (let second = 0; second < 60 && (await lost.isVisible()); second++) await seconds();
  await lost.waitFor({ state: 'hidden' });
});

test('a server that asks for patience is given it, with a countdown', async () => {
  const visit = await here.visit();
  const problem = { code: 'RATE_LIMIT_ERROR', status: 429, retryable: true, retryAfterSeconds: 60 };
  await visit.profile.route('**/api/integrations/status', (route) =>
    route.fulfill({ status: 429, contentType: 'application/problem+json', json: problem }),
  );
  const page = await visit.open();
  await page.getByText('That was too often. Wait a moment.').waitFor();
  await page.getByText(/^Next try in (?:60|5\d) seconds$/).waitFor();
  await visit.profile.unroute('**/api/integrations/status');
  await page.getByRole('button', { name: 'Try now' }).click();
  await visit.card('Reddit', page).waitFor();
});
