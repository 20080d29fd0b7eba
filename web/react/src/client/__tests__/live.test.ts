import { expect, test, vi } from 'vitest';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeHub } from './fake-browser.js';
import { FakeServer, problem } from './fake-server.js';
import { setUp, withClients } from './set-up.js';
import { passed, settled } from './world.js';

withClients();

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });

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
  // The longest wait between two tries is over, and the stream, of which nothing is heard, is trusted still.
  await passed(45_000);
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
  expect(now()).toMatchObject({ stale: false, error: null, retryAt: null, live: 'poll' });
});

test('a network that is back is told as such, by the stream or by a reading', async () => {
  const { server, now, browser } = await setUp();
  server.intercept = () => Promise.reject(new TypeError('offline'));
  server.endStreams();
  await passed(6000);
  browser.comeBack();
  await settled();
  expect(now().live).toBe('offline');
  server.intercept = ({ path }) => (path === 'events' ? problem(503, 'OVERLOADED') : null);
  browser.comeBack();
  await settled();
  expect(now()).toMatchObject({ error: null, live: 'poll' });
  server.intercept = () => null;
  await passed(45_000);
  expect(now().live).toBe('stream');
});

test('that nobody is signed in is no trouble of the network', async () => {
  const { now } = await setUp({ getToken: () => null });
  expect(now()).toMatchObject({ error: { code: 'UNAUTHENTICATED' }, live: 'poll' });
});

test('a list whose platforms could not be read is not taken for an empty one', async () => {
  const server = new FakeServer();
  server.integrations = [vale];
  server.intercept = ({ path }) => (path === 'providers' ? problem(503, 'OVERLOADED') : null);
  const { now, client } = await setUp({ realtime: false }, server);
  expect(now().error?.code).toBe('OVERLOADED');
  server.intercept = () => null;
  await client.reload();
  expect(now()).toMatchObject({ integrations: [vale], version: 1, error: null });
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

test('coming back does not shorten a wait that the server asked for', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 90 });
  const { browser } = await setUp({ realtime: false }, server);
  const asked = server.calls('GET status').length;
  browser.comeBack();
  await settled();
  expect(server.calls('GET status')).toHaveLength(asked);
  server.intercept = () => Promise.reject(new TypeError('offline'));
  await passed(90_000);
  browser.comeBack();
  await settled();
  expect(server.calls('GET status')).toHaveLength(asked + 2);
});

test('the stream keeps to a limit', async () => {
  const server = new FakeServer();
  const limit = { retryAfterSeconds: 90 };
  server.intercept = ({ path }) => (path === 'events' ? problem(429, 'RATE_LIMIT_ERROR', limit) : null);
  await setUp({}, server);
  await passed(89_000);
  expect(server.calls('GET events')).toHaveLength(1);
  await passed(2000);
  expect(server.calls('GET events')).toHaveLength(2);
});

test('a stream that is refused is not asked for again before a reading succeeds', async () => {
  const { server, browser, now } = await setUp();
  server.intercept = () => problem(401, 'UNAUTHENTICATED');
  server.endStreams();
  await passed(300_000);
  expect(server.calls('GET events')).toHaveLength(2);
  server.intercept = () => null;
  browser.comeBack();
  await settled();
  expect(server.listeners).toBe(1);
  expect(now().live).toBe('stream');
});

test('a stream that cannot be understood is closed before another is opened', async () => {
  const { server } = await setUp();
  server.write('id: 2\nevent: connected\ndata: {\n\n');
  await passed(5000);
  expect(server.calls('GET events')).toHaveLength(2);
  expect(server.listeners).toBe(1);
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
