import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClient } from '../client.js';
import type { ClientEvent, ClientOptions } from '../client-types.js';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeBrowser, FakeHub } from './fake-browser.js';
import { FakeServer, problem } from './fake-server.js';
import { FAKED, passed, settled } from './world.js';
// Loaded beforehand, so that no test waits for a file.
import '../flows.js';
import '../live.js';

const ends: (() => void)[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => {
  ends.splice(0).forEach((end) => end());
  vi.useRealTimers();
});

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });

async function setUp(options: ClientOptions = {}, server = new FakeServer(), hub = new FakeHub()) {
  const browser = new FakeBrowser();
  const client = createClient({ fetch: server.fetch, page: browser, browser, tabs: hub.tabs(), ...options });
  const events: ClientEvent[] = [];
  client.on((event) => events.push(event));
  const stop = client.start();
  ends.push(stop);
  await settled();
  await vi.dynamicImportSettled();
  await settled();
  return { server, hub, browser, client, events, stop, now: () => client.getSnapshot() };
}

test('the list and the catalogue are read once at first', async () => {
  const { server, now } = await setUp();
  expect(server.calls('GET status')).toHaveLength(1);
  expect(server.calls('GET providers')).toHaveLength(1);
  expect(now()).toMatchObject({ loading: false, error: null, live: 'stream' });
  expect(now().providers).toHaveLength(4);
});

test('the stream goes on from the version that is known, and changes arrive at once', async () => {
  const { server, now } = await setUp();
  expect(server.calls('GET events')[0]?.headers.get('last-event-id')).toBe('1');
  server.change('connected', vale);
  await settled();
  expect(now().integrations).toEqual([vale]);
  server.change('disconnected', vale);
  await settled();
  expect(now().integrations).toEqual([]);
  expect(server.calls('GET status')).toHaveLength(1);
});

test('what the stream cannot tell is read again', async () => {
  const { server, now } = await setUp();
  server.integrations = [vale];
  server.version = 9;
  server.send('reset', { version: 9 });
  await settled();
  expect(now().integrations).toEqual([vale]);
});

test('a stream that opens at a later version is caught up with', async () => {
  const { server, now } = await setUp();
  server.integrations = [vale];
  server.version = 9;
  server.send('ready', { version: 9 });
  await settled();
  expect(now().version).toBe(9);
});

test('a stream that ends is opened again; one that cannot be is polled beside', async () => {
  const { server, now } = await setUp();
  server.intercept = ({ path }) => (path === 'events' ? problem(503, 'OVERLOADED') : null);
  server.endStreams();
  await settled();
  expect(now().live).toBe('poll');
  server.integrations = [vale];
  server.version++;
  await passed(30_000);
  expect(now().integrations).toEqual([vale]);
  server.intercept = () => null;
  await passed(60_000);
  expect(now().live).toBe('stream');
  expect(server.listeners).toBe(1);
});

test('a silent stream is not trusted', async () => {
  const { server } = await setUp();
  server.write(': alive\n\n');
  await passed(40_000);
  server.write(': alive\n\n');
  await passed(40_000);
  expect(server.calls('GET events')).toHaveLength(1);
  await passed(60_000);
  expect(server.calls('GET events').length).toBeGreaterThan(1);
});

test('a stream whose credential ended asks for another', async () => {
  const list = ['t1', 't2'];
  const getToken = vi.fn(async () => list.shift() ?? 't2');
  const server = new FakeServer();
  await setUp({ getToken }, server);
  server.intercept = ({ headers }) =>
    headers.get('authorization') === 'Bearer t1' ? problem(401, 'UNAUTHENTICATED') : null;
  server.endStreams();
  await passed(1000);
  expect(server.listeners).toBe(1);
  expect(getToken).toHaveBeenCalledTimes(2);
});

test('a server without events is polled, and not asked for them again', async () => {
  const server = new FakeServer();
  server.intercept = ({ path }) => (path === 'events' ? problem(404, 'NOT_FOUND') : null);
  const { now } = await setUp({}, server);
  await passed(300_000);
  expect(server.calls('GET events')).toHaveLength(1);
  expect(server.calls('GET status').length).toBeGreaterThanOrEqual(10);
  expect(now().live).toBe('poll');
});

test('of several tabs one has the stream; the others are told that, not what', async () => {
  const [server, hub] = [new FakeServer(), new FakeHub()];
  const first = await setUp({}, server, hub);
  const second = await setUp({}, server, hub);
  expect(server.listeners).toBe(1);
  expect(second.now().live).toBe('stream');
  server.change('connected', vale);
  await settled();
  expect(first.now().integrations).toEqual([vale]);
  expect(second.now().integrations).toEqual([vale]);
  expect(JSON.stringify(hub.log)).not.toContain(vale.displayName);
  first.stop();
  await settled();
  expect(server.listeners).toBe(1);
  server.change('disconnected', vale);
  await settled();
  expect(second.now().integrations).toEqual([]);
});

test('tabs of another user are none of ours', async () => {
  const [server, hub] = [new FakeServer(), new FakeHub()];
  const mine = await setUp({ userKey: 'me' }, server, hub);
  const asked = server.calls('GET status').length;
  hub.tabs().tell({ type: 'changed', scope: '|you', version: 99 });
  await settled();
  expect(server.calls('GET status')).toHaveLength(asked);
  hub.tabs().tell({ type: 'changed', scope: '|me', version: 99 });
  await settled();
  expect(server.calls('GET status')).toHaveLength(asked + 1);
  expect(mine.now().version).toBe(1);
});

test('without a network what is known stays, marked as old, and is tried again later and later', async () => {
  const { server, now } = await setUp({ realtime: false });
  server.change('connected', vale);
  await passed(30_000);
  expect(now().integrations).toEqual([vale]);
  server.intercept = () => Promise.reject(new TypeError('offline'));
  await passed(30_000);
  expect(now()).toMatchObject({ stale: true, live: 'offline', integrations: [vale] });
  const tries = server.calls('GET status').length;
  await passed(120_000);
  expect(server.calls('GET status').length - tries).toBeLessThan(12);
  server.intercept = () => null;
  await passed(31_000);
  expect(now()).toMatchObject({ stale: false, error: null, retryAt: null });
});

test('a limit is kept to', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 90 });
  const { now } = await setUp({ realtime: false }, server);
  const asked = server.calls('GET status').length;
  expect(now().retryAt).toBeGreaterThanOrEqual(Date.now() + 89_000);
  await passed(89_000);
  expect(server.calls('GET status')).toHaveLength(asked);
  await passed(2000);
  expect(server.calls('GET status')).toHaveLength(asked + 1);
});

test('what nothing but the user can mend is not tried again by itself', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(401, 'UNAUTHENTICATED');
  const { now, browser } = await setUp({ realtime: false }, server);
  const asked = server.calls('GET status').length;
  await passed(300_000);
  expect(server.calls('GET status')).toHaveLength(asked);
  server.intercept = () => null;
  browser.comeBack();
  await settled();
  expect(now().error).toBeNull();
});

test('coming back to the page reads, unless it was read just now; a hidden page does not poll', async () => {
  const { server, browser } = await setUp({ realtime: false });
  browser.comeBack();
  await settled();
  expect(server.calls('GET status')).toHaveLength(1);
  browser.hidden = true;
  await passed(300_000);
  expect(server.calls('GET status')).toHaveLength(1);
  browser.hidden = false;
  browser.comeBack();
  await settled();
  expect(server.calls('GET status')).toHaveLength(2);
});

test('an unchanged list is not sent again', async () => {
  const { server, client } = await setUp({ realtime: false });
  await client.reload();
  expect(server.calls('GET status')[1]?.headers.get('if-none-match')).toBe('"1"');
});

test('what a server has read is shown at once', async () => {
  const server = new FakeServer();
  const initialStatus = { version: 1, integrations: [vale], providers: server.providers };
  const client = createClient({ fetch: server.fetch, initialStatus });
  expect(client.getSnapshot()).toMatchObject({ loading: false, integrations: [vale] });
});

test('a stopped client is silent; two starts need two stops', async () => {
  const { server, client, stop } = await setUp();
  const stopAgain = client.start();
  stop();
  stop();
  await settled();
  expect(server.listeners).toBe(1);
  stopAgain();
  await settled();
  expect(server.listeners).toBe(0);
  const asked = server.log.length;
  await passed(300_000);
  expect(server.log).toHaveLength(asked);
});

test('the window opens in the click itself', async () => {
  const { client, browser } = await setUp();
  const result = client.connect('reddit');
  expect(browser.popups).toHaveLength(1);
  await settled();
  expect(client.getSnapshot().flow.step).toBe('waiting');
  client.cancel();
  expect(await result).toEqual({ status: 'cancelled' });
});

test('a finger means that this page goes', async () => {
  const { client, browser } = await setUp();
  browser.coarse = true;
  expect(await client.connect('reddit')).toEqual({ status: 'redirecting' });
  expect(browser.popups).toHaveLength(0);
  expect(browser.left).toHaveLength(1);
});

test('a consent that came back to this page is finished and told', async () => {
  const server = new FakeServer();
  const before = await setUp({}, server);
  before.browser.blocked = true;
  await before.client.connect('reddit');
  before.stop();
  const browser = new FakeBrowser(before.browser.site);
  browser.href = server.consent('flow1');
  const { events, now } = await setUp({ page: browser, browser }, server);
  await settled();
  expect(browser.href).toBe('https://app.example/settings?tab=1#accounts');
  expect(now().flow).toMatchObject({ step: 'connected', provider: 'reddit' });
  expect(events).toMatchObject([{ type: 'connected', integrations: [{ providerAccountId: 'sim9z' }] }]);
});

test('a window that was opened for a consent closes once it is finished', async () => {
  const server = new FakeServer();
  const opener = await setUp({}, server);
  void opener.client.connect('reddit');
  await settled();
  const browser = new FakeBrowser(opener.browser.site);
  browser.isClosable = true;
  browser.href = server.consent('flow1');
  const { now } = await setUp({ page: browser, browser }, server);
  await settled();
  expect(browser.isClosed).toBe(true);
  expect(now().flow.step).toBe('idle');
});

test('the event of a flow asks the server, and is not believed', async () => {
  const { client, server } = await setUp();
  void client.connect('reddit');
  await settled();
  const asked = server.calls('GET flows').length;
  server.send('flow', { version: 2, flowId: 'flow1', status: 'connected' });
  await settled();
  expect(server.calls('GET flows')).toHaveLength(asked + 1);
  expect(client.getSnapshot().flow.step).toBe('waiting');
  server.send('flow', { version: 3, flowId: 'another', status: 'connected' });
  await settled();
  expect(server.calls('GET flows')).toHaveLength(asked + 1);
});

test('disconnecting and renewing tell what came of it, and never reject', async () => {
  const server = new FakeServer();
  server.integrations = [vale];
  const { client, events } = await setUp({}, server);
  const renewal = client.refresh('reddit', 'a');
  await settled();
  expect(await renewal).toMatchObject({ status: 'refreshed' });
  const leaving = client.disconnect('reddit', 'a', { deleteData: true });
  await settled();
  expect(await leaving).toMatchObject({ status: 'disconnected', revocation: 'revoked' });
  expect(server.calls('DELETE')[0]?.path).toBe('disconnect/reddit/a?deleteData=true');
  server.intercept = ({ method }) => (method === 'POST' ? problem(409, 'RECONNECT_REQUIRED') : null);
  expect(await client.refresh('reddit', 'a')).toMatchObject({
    status: 'failed',
    error: { code: 'RECONNECT_REQUIRED' },
  });
  expect(events.map(({ type }) => type)).toEqual(['refreshed', 'disconnected', 'failed']);
  expect(client.getSnapshot().busy).toEqual([]);
});

test('an account that comes to need its owner is told once', async () => {
  const server = new FakeServer();
  server.integrations = [vale, sampleIntegration({ id: 2, providerAccountId: 'b', status: 'expired' })];
  const { events } = await setUp({}, server);
  server.change('expired', { ...vale, status: 'expired', isConnected: false });
  await settled();
  server.change('expired', { ...vale, status: 'expired', isConnected: false, displayName: 'x' });
  await settled();
  expect(events).toMatchObject([{ type: 'needs-reconnect', integration: { id: 1 } }]);
});

test('a picture’s address is the server’s', () => {
  const client = createClient({ baseUrl: 'https://vault.example/' });
  expect(client.imageUrl('/api/images/1')).toBe('https://vault.example/api/images/1');
  expect(client.imageUrl('https://vault.example/x')).toBe('https://vault.example/x');
});
