/** What is loaded apart may not arrive at first. */
import { afterEach, expect, test, vi } from 'vitest';
import { FakeServer } from './fake-server.js';
import { returned, setUp, withClients } from './set-up.js';
import { passed, settled } from './world.js';

withClients();
afterEach(arrive);

function lose(part: '../flows.js' | '../live.js'): void {
  vi.doMock(part, () => {
    throw new TypeError('Failed to fetch dynamically imported module');
  });
}

function arrive(): void {
  vi.doUnmock('../flows.js');
  vi.doUnmock('../live.js');
}

/** What was asked to be loaded has arrived, or has not. */
async function loaded(): Promise<void> {
  await vi.dynamicImportSettled();
  await settled();
}

const failed = { status: 'failed', error: { code: 'NETWORK_ERROR' } };

test('no action rejects, each tells what came of it, and the next one loads it again', async () => {
  lose('../flows.js');
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
  await loaded();
  expect(now().flow.step).toBe('idle');
  arrive();
  void client.connect('reddit');
  await loaded();
  expect(now().flow.step).toBe('waiting');
});

test('what came back is finished once its part has arrived', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
  lose('../flows.js');
  const { now } = await setUp({ page: browser, browser }, server);
  await passed(2000);
  await loaded();
  expect(now().flow.step).toBe('idle');
  arrive();
  await passed(10_000);
  await loaded();
  expect(now().flow).toMatchObject({ step: 'connected', provider: 'reddit' });
  expect(browser.href).not.toContain('integration=');
});

test('coming back to the page does not wait for the next try, and a client that was stopped tries no more', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
  lose('../flows.js');
  const first = await setUp({ page: browser, browser }, server);
  first.stop();
  arrive();
  await passed(60_000);
  await loaded();
  expect(browser.href).toContain('integration=');
  lose('../flows.js');
  const { now } = await setUp({ page: browser, browser }, server);
  arrive();
  browser.comeBack();
  await loaded();
  expect(now().flow.step).toBe('connected');
});

test('without the part that follows the stream the list is polled, until it has arrived', async () => {
  lose('../live.js');
  const { server, now, stop } = await setUp();
  expect(now()).toMatchObject({ live: 'poll', error: null });
  arrive();
  await passed(30_000);
  await loaded();
  expect(now().live).toBe('stream');
  expect(server.listeners).toBe(1);
  stop();
});

test('a client that is stopped before that part has arrived is silent', async () => {
  lose('../live.js');
  const { server, stop } = await setUp();
  stop();
  arrive();
  await passed(60_000);
  await loaded();
  expect(server.listeners).toBe(0);
});
