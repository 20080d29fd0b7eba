/** Outages of the server, and rate limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();

test('during an outage the list stays, and a retry restores the connection', async () => {
  const visit = await env.visit(DEMO, { clock: true });
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  // Stop the clock, or the page reconnects by itself.
  await visit.page.clock.pauseAt(Date.now() + 1000);
  await env.program.stop();
  const lost = visit.page.getByText(/^Connection lost\. Showing data from/);
  for (let second = 0; second < 60 && !(await lost.isVisible()); second++)
    await visit.page.clock.runFor(1000);
  await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
  await env.program.start();
  await visit.page.getByRole('button', { name: 'Retry now' }).click();
  await lost.waitFor({ state: 'hidden' });
  assert.deepEqual(
    (await env.accounts()).map(({ status }) => status),
    ['connected'],
  );
});

test('during an outage the page backs off, and reconnects by itself', async () => {
  const visit = await env.visit(DEMO, { clock: true });
  const { page } = visit;
  const lost = page.getByText(/^Connection lost/);
  let tries = 0;
  /** @type {Promise<unknown>} */
  let response = Promise.resolve();
  page.on('request', (request) => {
    if (!request.url().endsWith('/status')) return;
    tries++;
    response = request.response().catch(() => null);
  });
  const seconds = async (count = 1) => {
    for (; count > 0; count--) {
      await page.clock.runFor(1000);
      await response;
    }
  };
  await env.program.stop();
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
  await env.program.start();
  for (let second = 0; second < 60 && (await lost.isVisible()); second++) await seconds();
  await lost.waitFor({ state: 'hidden' });
});

test('a rate limit is respected and shows a countdown', async () => {
  const visit = await env.visit();
  const problem = { code: 'RATE_LIMIT_ERROR', status: 429, retryable: true, retryAfterSeconds: 60 };
  await visit.profile.route('**/api/integrations/status', (route) =>
    route.fulfill({ status: 429, contentType: 'application/problem+json', json: problem }),
  );
  const page = await visit.open();
  await page.getByText('There are too many requests for Evergrant at the moment.').waitFor();
  await page.getByText(/^Retrying in (?:60|5\d) seconds$/).waitFor();
  await visit.profile.unroute('**/api/integrations/status');
  await page.getByRole('button', { name: 'Retry now' }).click();
  await visit.card('Reddit', page).waitFor();
});
