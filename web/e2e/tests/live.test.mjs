/** What changes on the server shows at once: one stream of events for all tabs of a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO, stage } from '../lib/stage.mjs';

const here = stage();
const STREAM = /\/api\/integrations\/events$/;

/** Notes which pages open a stream from now on. @param {import('../lib/visit.mjs').Visit} visit */
function streamsOf({ profile }) {
  /** @type {Set<import('playwright-core').Page>} */
  const pages = new Set();
  profile.on('request', (request) => {
    if (STREAM.test(request.url())) pages.add(request.frame().page());
  });
  return pages;
}

/** The app's server disconnects everything, behind the page's back. */
async function disconnectAll() {
  for (const { provider, providerAccountId } of await here.accounts()) {
    await here.api(`disconnect/${provider}/${providerAccountId}`, { method: 'DELETE' });
  }
}

test('one tab has the stream for all of them, and another takes over when it goes', async () => {
  const visit = await here.visit();
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
  const taken = second.waitForRequest(STREAM);
  await visit.page.close();
  visit.page = second;
  await taken;
  await visit.connect('TikTok');
  for (const page of [second, third]) await visit.row('Juniper Vale', page).waitFor();
  assert.deepEqual([streams.has(second), streams.has(third)], [true, false]);
});

test('a stream that broke off goes on after the last event that came', async () => {
  const visit = await here.visit(DEMO, { clock: true });
  const { page } = visit;
  await visit.connect('Reddit');
  await visit.told('juniper_vale is connected.');
  const known = await here.api('status');
  // No timer runs from here on, so that the page asks when it is told to.
  await page.clock.pauseAt(Date.now() + 1000);
  const isStream = (/** @type {import('playwright-core').Request} */ request) => STREAM.test(request.url());
  const broke = Promise.race([
    page.waitForEvent('requestfailed', isStream),
    page.waitForEvent('requestfinished', isStream),
  ]);
  await here.program.stop();
  await broke;
  await here.program.start();
  await disconnectAll();
  const opened = page.waitForRequest(STREAM);
  await page.clock.runFor(2000);
  const request = await opened;
  assert.equal(request.headers()['last-event-id'], String(known.version));
  await visit.row('juniper_vale').waitFor({ state: 'detached' });
});

test('without a stream the list is asked for now and then', async () => {
  const visit = await here.visit(DEMO, { clock: true });
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
