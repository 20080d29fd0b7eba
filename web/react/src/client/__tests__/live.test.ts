import { expect, test, vi } from 'vitest';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeHub } from './fake-browser.js';
import { FakeServer, problem } from './fake-server.js';
import { setUp, withClients } from './set-up.js';
import { advance, settle } from './fake-time.js';

withClients();

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });

test('the stream resumes from the known version and applies changes', async () => {
  const { server, now } = await setUp();
  expect(server.calls('GET events')[0]?.headers.get('last-event-id')).toBe('1');
  server.change('connected', vale);
  await settle();
  expect(now().integrations).toEqual([vale]);
  server.change('disconnected', vale);
  await settle();
  expect(now().integrations).toEqual([]);
  expect(server.calls('GET status')).toHaveLength(1);
});

test('a reset event reloads the list', async () => {
  const { server, now } = await setUp();
  server.integrations = [vale];
  server.version = 9;
  server.send('reset', { version: 9 });
  await settle();
  expect(now().integrations).toEqual([vale]);
});

test('a reset event with an earlier version replaces the list, and later changes are applied', async () => {
  const { server, now } = await setUp();
  server.integrations = [];
  server.version = 0;
  server.send('reset', { version: 0 });
  await settle();
  expect(now().integrations).toEqual([]);
  expect(now().version).toBe(0);
  server.change('connected', vale);
  await settle();
  expect(now().integrations).toEqual([vale]);
});

test('a ready event with a later version reloads the list', async () => {
  const { server, now } = await setUp();
  server.integrations = [vale];
  server.version = 9;
  server.send('ready', { version: 9 });
  await settle();
  expect(now().version).toBe(9);
});

test('a stream that cannot be reopened falls back to polling until it can', async () => {
  const { server, now } = await setUp();
  server.intercept = ({ path }) => (path === 'events' ? problem(503, 'OVERLOADED') : null);
  server.endStreams();
  await settle();
  expect(now().live).toBe('poll');
  server.integrations = [vale];
  server.version++;
  await advance(30_000);
  expect(now().integrations).toEqual([vale]);
  server.intercept = () => null;
  // Longer than the longest retry delay; the reopened stream has not reached its idle timeout.
  await advance(45_000);
  expect(now().live).toBe('stream');
  expect(server.listeners).toBe(1);
});

test('a broken stream triggers a read at once', async () => {
  const { server, now } = await setUp();
  server.intercept = () => Promise.reject(new TypeError('offline'));
  server.endStreams();
  await settle();
  expect(now()).toMatchObject({ stale: true, live: 'offline', error: { code: 'BROWSER_OFFLINE' } });
});

test('a stream without messages or comments is reopened', async () => {
  const { server } = await setUp();
  server.write(': alive\n\n');
  await advance(40_000);
  server.write(': alive\n\n');
  await advance(40_000);
  expect(server.calls('GET events')).toHaveLength(1);
  await advance(60_000);
  expect(server.calls('GET events').length).toBeGreaterThan(1);
});

test('a stream whose token has expired reopens with a new one', async () => {
  const list = ['t1', 't2'];
  const getToken = vi.fn(async () => list.shift() ?? 't2');
  const server = new FakeServer();
  await setUp({ getToken }, server);
  server.intercept = ({ headers }) =>
    headers.get('authorization') === 'Bearer t1' ? problem(401, 'UNAUTHENTICATED') : null;
  server.endStreams();
  await advance(1000);
  expect(server.listeners).toBe(1);
  expect(getToken).toHaveBeenCalledTimes(2);
});

test('a server without events is polled, and the stream not requested again', async () => {
  const server = new FakeServer();
  server.intercept = ({ path }) => (path === 'events' ? problem(404, 'NOT_FOUND') : null);
  const { now } = await setUp({}, server);
  await advance(300_000);
  expect(server.calls('GET events')).toHaveLength(1);
  expect(server.calls('GET status').length).toBeGreaterThanOrEqual(10);
  expect(now().live).toBe('poll');
});

test('one tab holds the stream and notifies other tabs of changes, without the data', async () => {
  const [server, hub] = [new FakeServer(), new FakeHub()];
  const first = await setUp({}, server, hub);
  const second = await setUp({}, server, hub);
  expect(server.listeners).toBe(1);
  expect(second.now().live).toBe('stream');
  server.change('connected', vale);
  await settle();
  expect(first.now().integrations).toEqual([vale]);
  expect(second.now().integrations).toEqual([vale]);
  expect(JSON.stringify(hub.log)).not.toContain(vale.displayName);
  first.stop();
  await settle();
  expect(server.listeners).toBe(1);
  server.change('disconnected', vale);
  await settle();
  expect(second.now().integrations).toEqual([]);
});

test('messages of another user’s tabs are ignored', async () => {
  const [server, hub] = [new FakeServer(), new FakeHub()];
  const mine = await setUp({ userKey: 'me' }, server, hub);
  const reads = server.calls('GET status').length;
  hub.tabs().post({ type: 'changed', scope: '|you', version: 99 });
  await settle();
  expect(server.calls('GET status')).toHaveLength(reads);
  hub.tabs().post({ type: 'changed', scope: '|me', version: 99 });
  await settle();
  expect(server.calls('GET status')).toHaveLength(reads + 1);
  expect(mine.now().version).toBe(1);
});

test('offline, the list stays marked stale, and retries back off', async () => {
  const { server, now } = await setUp({ realtime: false });
  server.change('connected', vale);
  await advance(30_000);
  expect(now().integrations).toEqual([vale]);
  server.intercept = () => Promise.reject(new TypeError('offline'));
  await advance(30_000);
  expect(now()).toMatchObject({ stale: true, live: 'offline', integrations: [vale] });
  const attempts = server.calls('GET status').length;
  await advance(120_000);
  expect(server.calls('GET status').length - attempts).toBeLessThan(12);
  server.intercept = () => null;
  await advance(31_000);
  expect(now()).toMatchObject({ stale: false, error: null, retryAt: null, live: 'poll' });
});

test('a reconnected stream or a successful read ends the offline state', async () => {
  const { server, now, browser } = await setUp();
  server.intercept = () => Promise.reject(new TypeError('offline'));
  server.endStreams();
  await advance(6000);
  browser.comeBack();
  await settle();
  expect(now().live).toBe('offline');
  server.intercept = ({ path }) => (path === 'events' ? problem(503, 'OVERLOADED') : null);
  browser.comeBack();
  await settle();
  expect(now()).toMatchObject({ error: null, live: 'poll' });
  server.intercept = () => null;
  await advance(45_000);
  expect(now().live).toBe('stream');
});

test('a missing token is not reported as offline', async () => {
  const { now } = await setUp({ getToken: () => null });
  expect(now()).toMatchObject({ error: { code: 'UNAUTHENTICATED' }, live: 'poll' });
});

test('a failed catalogue request is not shown as an empty list', async () => {
  const server = new FakeServer();
  server.integrations = [vale];
  server.intercept = ({ path }) => (path === 'providers' ? problem(503, 'OVERLOADED') : null);
  const { now, client } = await setUp({ realtime: false }, server);
  expect(now().error?.code).toBe('OVERLOADED');
  server.intercept = () => null;
  await client.reload();
  expect(now()).toMatchObject({ integrations: [vale], version: 1, error: null });
});

test('polling respects Retry-After', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 90 });
  const { now } = await setUp({ realtime: false }, server);
  const reads = server.calls('GET status').length;
  expect(now().retryAt).toBeGreaterThanOrEqual(Date.now() + 89_000);
  await advance(89_000);
  expect(server.calls('GET status')).toHaveLength(reads);
  await advance(2000);
  expect(server.calls('GET status')).toHaveLength(reads + 1);
});

test('returning to the page does not shorten Retry-After', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 90 });
  const { browser } = await setUp({ realtime: false }, server);
  const reads = server.calls('GET status').length;
  browser.comeBack();
  await settle();
  expect(server.calls('GET status')).toHaveLength(reads);
  server.intercept = () => Promise.reject(new TypeError('offline'));
  await advance(90_000);
  browser.comeBack();
  await settle();
  expect(server.calls('GET status')).toHaveLength(reads + 2);
});

test('the stream respects Retry-After', async () => {
  const server = new FakeServer();
  const limit = { retryAfterSeconds: 90 };
  server.intercept = ({ path }) => (path === 'events' ? problem(429, 'RATE_LIMIT_ERROR', limit) : null);
  await setUp({}, server);
  await advance(89_000);
  expect(server.calls('GET events')).toHaveLength(1);
  await advance(2000);
  expect(server.calls('GET events')).toHaveLength(2);
});

test('a rejected stream is not reopened before a read succeeds', async () => {
  const { server, browser, now } = await setUp();
  server.intercept = () => problem(401, 'UNAUTHENTICATED');
  server.endStreams();
  await advance(300_000);
  expect(server.calls('GET events')).toHaveLength(2);
  server.intercept = () => null;
  browser.comeBack();
  await settle();
  expect(server.listeners).toBe(1);
  expect(now().live).toBe('stream');
});

test('a malformed stream is closed before another opens', async () => {
  const { server } = await setUp();
  server.write('id: 2\nevent: connected\ndata: {\n\n');
  await advance(5000);
  expect(server.calls('GET events')).toHaveLength(2);
  expect(server.listeners).toBe(1);
});

test('an error that needs the user is not retried until the page is shown again', async () => {
  const server = new FakeServer();
  server.intercept = () => problem(401, 'UNAUTHENTICATED');
  const { now, browser } = await setUp({ realtime: false }, server);
  const reads = server.calls('GET status').length;
  await advance(300_000);
  expect(server.calls('GET status')).toHaveLength(reads);
  server.intercept = () => null;
  browser.comeBack();
  await settle();
  expect(now().error).toBeNull();
});

test('returning to the page reads unless just read; a hidden page does not poll', async () => {
  const { server, browser } = await setUp({ realtime: false });
  browser.comeBack();
  await settle();
  expect(server.calls('GET status')).toHaveLength(1);
  browser.hidden = true;
  await advance(300_000);
  expect(server.calls('GET status')).toHaveLength(1);
  browser.hidden = false;
  browser.comeBack();
  await settle();
  expect(server.calls('GET status')).toHaveLength(2);
});

test('reload sends If-None-Match', async () => {
  const { server, client } = await setUp({ realtime: false });
  await client.reload();
  expect(server.calls('GET status')[1]?.headers.get('if-none-match')).toBe('"1"');
});

test('a client stops after as many stops as starts, and then sends nothing', async () => {
  const { server, client, stop } = await setUp();
  const stopAgain = client.start();
  stop();
  stop();
  await settle();
  expect(server.listeners).toBe(1);
  stopAgain();
  await settle();
  expect(server.listeners).toBe(0);
  const sent = server.log.length;
  await advance(300_000);
  expect(server.log).toHaveLength(sent);
});
