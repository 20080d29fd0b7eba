/** Chunks that fail to load at first. */
import { afterEach, expect, test, vi } from 'vitest';
import { FakeServer } from './fake-server.js';
import { returned, setUp, withClients } from './set-up.js';
import { advance, settle } from './fake-time.js';

withClients();
afterEach(restoreChunks);

function breakChunk(part: '../flows.js' | '../live.js'): void {
  vi.doMock(part, () => {
    throw new TypeError('Failed to fetch dynamically imported module');
  });
}

function restoreChunks(): void {
  vi.doUnmock('../flows.js');
  vi.doUnmock('../live.js');
}

/** Waits until the dynamic imports in progress have settle. */
async function importsSettled(): Promise<void> {
  await vi.dynamicImportSettled();
  await settle();
}

const failed = { status: 'failed', error: { code: 'BROWSER_OFFLINE' } };

test('actions resolve with a failure if their chunk is missing, and retry it next time', async () => {
  breakChunk('../flows.js');
  const { client, browser, events, now } = await setUp();
  expect(await client.disconnect('reddit', 'a')).toMatchObject(failed);
  expect(await client.refresh('reddit', 'a')).toMatchObject(failed);
  expect(await client.connect('reddit')).toMatchObject(failed);
  expect(events.map((event) => 'during' in event && event.during)).toEqual([
    'disconnect',
    'refresh',
    'connect',
  ]);
  expect(browser.popup?.closed).toBe(true);
  expect(now().flow).toMatchObject({ step: 'failed', provider: 'reddit' });
  await client.chooseAccounts(['a']);
  await client.submitCredentials({});
  client.cancel();
  client.reopen();
  client.dismiss();
  await importsSettled();
  expect(now().flow.step).toBe('idle');
  restoreChunks();
  void client.connect('reddit');
  await importsSettled();
  expect(now().flow.step).toBe('waiting');
});

test('a returned consent is finished once its chunk has loaded', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
  breakChunk('../flows.js');
  const { now } = await setUp({ page: browser, browser }, server);
  await advance(2000);
  await importsSettled();
  expect(now().flow.step).toBe('idle');
  restoreChunks();
  await advance(10_000);
  await importsSettled();
  expect(now().flow).toMatchObject({ step: 'connected', provider: 'reddit' });
  expect(browser.href).not.toContain('integration=');
});

test('returning to the page retries the chunk at once; a stopped client does not retry', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
  breakChunk('../flows.js');
  const first = await setUp({ page: browser, browser }, server);
  first.stop();
  restoreChunks();
  await advance(60_000);
  await importsSettled();
  expect(browser.href).toContain('integration=');
  breakChunk('../flows.js');
  const { now } = await setUp({ page: browser, browser }, server);
  restoreChunks();
  browser.comeBack();
  await importsSettled();
  expect(now().flow.step).toBe('connected');
});

test('the list is polled until the chunk for the stream has loaded', async () => {
  breakChunk('../live.js');
  const { server, now, stop } = await setUp();
  expect(now()).toMatchObject({ live: 'poll', error: null });
  restoreChunks();
  await advance(30_000);
  await importsSettled();
  expect(now().live).toBe('stream');
  expect(server.listeners).toBe(1);
  stop();
});

test('a client stopped before that chunk has loaded opens no stream', async () => {
  breakChunk('../live.js');
  const { server, stop } = await setUp();
  stop();
  restoreChunks();
  await advance(60_000);
  await importsSettled();
  expect(server.listeners).toBe(0);
});
