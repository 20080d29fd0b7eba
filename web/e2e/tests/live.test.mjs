/** Live updates over server-sent events: one stream shared by all tabs of a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, testEnvironment } from '../lib/environment.mjs';

const env = testEnvironment();
const STREAM = /\/api\/integrations\/events$/;

/**
 * Returns the set of pages that open a stream from now on.
 * @param {import('../lib/visit.mjs').Visit} visit
 */
function streamsOf({ profile }) {
  /** @type {Set<import('playwright-core').Page>} */
  const pages = new Set();
  profile.on('request', (request) => {
    if (STREAM.test(request.url())) pages.add(request.frame().page());
  });
  return pages;
}

/** Disconnects all accounts with the API key, unknown to the page. */
async function disconnectAll() {
  for (const { provider, providerAccountId } of await env.accounts()) {
    await env.api(`disconnect/${provider}/${providerAccountId}`, { method: 'DELETE' });
  }
}

test('one tab holds the stream for all, and another takes over when it closes', async () => {
  const visit = await env.visit();
  const streams = streamsOf(visit);
  await visit.connect('Reddit');
  const second = await visit.open();
  const third = await visit.open();
  for (const page of [second, third]) await visit.row('juniper_vale', page).waitFor();
  await disconnectAll();
  for (const page of [visit.page, second, third]) {
    await visit.row('juniper_vale', page).waitFor({ state: 'detached' });
  }
  assert.deepEqual([streams.has(second), streams.has(third)], [false, false]);
  const takeover = second.waitForRequest(STREAM);
  await visit.page.close();
  visit.page = second;
  await takeover;
  await visit.connect('TikTok');
  for (const page of [second, third]) await visit.row('Juniper Vale', page).waitFor();
  assert.deepEqual([streams.has(second), streams.has(third)], [true, false]);
});

test('an interrupted stream resumes after the last event received', async () => {
  const visit = await env.visit(DEMO, { clock: true });
  const { page } = visit;
  await visit.connect('Reddit');
  await visit.waitForToast('juniper_vale is connected.');
  const known = await env.api('status');
  // Stop all timers, so that the page reconnects only when the test advances the clock.
  await page.clock.pauseAt(Date.now() + 1000);
  const isStream = (/** @type {import('playwright-core').Request} */ request) => STREAM.test(request.url());
  const interrupted = Promise.race([
    page.waitForEvent('requestfailed', isStream),
    page.waitForEvent('requestfinished', isStream),
  ]);
  await env.program.stop();
  await interrupted;
  await env.program.start();
  await disconnectAll();
  const opened = page.waitForRequest(STREAM);
  await page.clock.runFor(2000);
  const request = await opened;
  assert.equal(request.headers()['last-event-id'], String(known.version));
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
});

test('without a stream the list is polled', async () => {
  const visit = await env.visit(DEMO, { clock: true });
  await visit.profile.route(STREAM, (route) => route.fulfill({ status: 503 }));
  await visit.page.close();
  const page = await visit.open();
  visit.page = page;
  await visit.connect('Reddit');
  await visit.row('juniper_vale').waitFor();
  await disconnectAll();
  await page.clock.fastForward(31_000);
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
});
