import { expect, test, vi } from 'vitest';
import { createClient } from '../client.js';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeBrowser } from './fake-browser.js';
import { FakeServer, problem } from './fake-server.js';
import { returned, setUp, withClients } from './set-up.js';
import { advance, settle } from './fake-time.js';

withClients();

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });

test('start reads the list and the catalogue once', async () => {
  const { server, now } = await setUp();
  expect(server.calls('GET status')).toHaveLength(1);
  expect(server.calls('GET providers')).toHaveLength(1);
  expect(now()).toMatchObject({ loading: false, error: null, live: 'stream' });
  expect(now().providers).toHaveLength(4);
});

test('initialStatus is in the first snapshot', async () => {
  const server = new FakeServer();
  const initialStatus = { version: 1, integrations: [vale], providers: server.providers };
  const client = createClient({ fetch: server.fetch, initialStatus });
  expect(client.getSnapshot()).toMatchObject({ loading: false, integrations: [vale] });
});

test('connect opens the popup synchronously, within the click', async () => {
  const { client, browser } = await setUp();
  const result = client.connect('reddit');
  expect(browser.popups).toHaveLength(1);
  await settle();
  expect(client.getSnapshot().flow.step).toBe('waiting');
  client.cancel();
  expect(await result).toEqual({ status: 'cancelled' });
});

test.each([
  ['/connected', 'https://app.example/connected'],
  ['https://app.example/back?a=1', 'https://app.example/back?a=1'],
  [undefined, 'https://app.example/settings?tab=1'],
])('redirectUrl %s is sent as %s', async (redirectUrl, address) => {
  const { client, server } = await setUp(redirectUrl === undefined ? {} : { redirectUrl });
  void client.connect('reddit');
  await settle();
  expect([...server.flows.values()].map((flow) => flow.redirectUrl)).toEqual([address]);
});

test('a platform without a consent page opens no popup', async () => {
  const { client, browser } = await setUp();
  void client.connect('onlyfans');
  await settle();
  expect(browser.popups).toHaveLength(0);
  expect(client.getSnapshot().flow.step).toBe('credentials');
});

test('a touch screen uses the redirect flow', async () => {
  const { client, browser } = await setUp();
  browser.coarse = true;
  expect(await client.connect('reddit')).toEqual({ status: 'redirecting' });
  expect(browser.popups).toHaveLength(0);
  expect(browser.left).toHaveLength(1);
});

test('an abandoned redirect returns to idle when the page is shown again', async () => {
  const { client, browser } = await setUp();
  browser.coarse = true;
  await client.connect('reddit');
  expect(client.getSnapshot().flow.step).toBe('redirecting');
  browser.comeBack();
  expect(client.getSnapshot().flow.step).toBe('idle');
  expect(browser.site.local?.length).toBe(1);
});

test('a consent that returns to this page is finished and emits connected', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
  const { events, now } = await setUp({ page: browser, browser }, server);
  await settle();
  expect(browser.href).toBe('https://app.example/settings?tab=1#accounts');
  expect(now().flow).toMatchObject({ step: 'connected', provider: 'reddit' });
  expect(events).toMatchObject([{ type: 'connected', integrations: [{ providerAccountId: 'sim9z' }] }]);
});

test('a popup closes itself once its flow is finished', async () => {
  const server = new FakeServer();
  const opener = await setUp({}, server);
  void opener.client.connect('reddit');
  await settle();
  const browser = new FakeBrowser(opener.browser.site);
  browser.isClosable = true;
  browser.href = server.consent('flow1');
  const { now } = await setUp({ page: browser, browser }, server);
  await settle();
  expect(browser.isClosed).toBe(true);
  expect(now().flow.step).toBe('idle');
});

test('a flow event triggers a request and does not change the state itself', async () => {
  const { client, server } = await setUp();
  void client.connect('reddit');
  await settle();
  const polls = server.calls('GET flows').length;
  server.send('flow', { version: 2, flowId: 'flow1', status: 'connected' });
  await settle();
  expect(server.calls('GET flows')).toHaveLength(polls + 1);
  expect(client.getSnapshot().flow.step).toBe('waiting');
  server.send('flow', { version: 3, flowId: 'another', status: 'connected' });
  await settle();
  expect(server.calls('GET flows')).toHaveLength(polls + 1);
});

test('disconnect and refresh resolve with their result and never reject', async () => {
  const server = new FakeServer();
  server.integrations = [vale];
  const { client, events } = await setUp({}, server);
  const refreshing = client.refresh('reddit', 'a');
  await settle();
  expect(await refreshing).toMatchObject({ status: 'refreshed' });
  const disconnecting = client.disconnect('reddit', 'a', { deleteData: true });
  await settle();
  expect(await disconnecting).toMatchObject({ status: 'disconnected', revocation: 'revoked' });
  expect(server.calls('DELETE')[0]?.path).toBe('disconnect/reddit/a?deleteData=true');
  server.intercept = ({ method }) => (method === 'POST' ? problem(409, 'RECONNECT_REQUIRED') : null);
  expect(await client.refresh('reddit', 'a')).toMatchObject({
    status: 'failed',
    error: { code: 'RECONNECT_REQUIRED' },
  });
  expect(events.map(({ type }) => type)).toEqual(['refreshed', 'disconnected', 'failed']);
  expect(client.getSnapshot().busy).toEqual([]);
});

test('an error thrown by a listener is reported and has no other effect', async () => {
  const reported = vi.fn();
  vi.stubGlobal('reportError', reported);
  const server = new FakeServer();
  server.integrations = [vale];
  const { client, now } = await setUp({ realtime: false }, server);
  const oops = new Error('oops');
  const throws = () => {
    throw oops;
  };
  client.on(throws);
  const result = client.connect('reddit');
  await settle();
  client.cancel();
  await settle();
  expect(await result).toEqual({ status: 'cancelled' });
  server.intercept = ({ path }) => (path.startsWith('connect') ? problem(400, 'OAUTH_INIT_ERROR') : null);
  expect(await client.connect('reddit')).toMatchObject({ status: 'failed' });
  expect(reported.mock.calls).toEqual([[oops]]);
  server.change('expired', { ...vale, status: 'expired', isConnected: false });
  await client.reload();
  expect(reported).toHaveBeenCalledTimes(2);
  expect(now()).toMatchObject({ error: null, live: 'poll' });
  client.subscribe(throws);
  expect(await client.disconnect('reddit', 'a')).toMatchObject({ status: 'disconnected' });
  vi.unstubAllGlobals();
});

test('a stopped client does not poll its flow, and resumes on start', async () => {
  const { client, server, browser, stop } = await setUp({ realtime: false });
  const result = client.connect('reddit');
  await settle();
  stop();
  const sent = server.log.length;
  await advance(60_000);
  browser.comeBack();
  browser.receive({ source: browser.popup as never, data: { type: 'evergrant:flow', flowId: 'flow1' } });
  await settle();
  expect(server.log).toHaveLength(sent);
  const flow = server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'sim9z' };
  const stopAgain = client.start();
  await advance(4000);
  expect(await result).toMatchObject({ status: 'connected' });
  stopAgain();
});

test('a flow that starts on a stopped client is not polled', async () => {
  const { client, server, stop } = await setUp({ realtime: false });
  void client.connect('reddit');
  stop();
  await settle();
  expect(client.getSnapshot().flow.step).toBe('waiting');
  const sent = server.log.length;
  await advance(60_000);
  expect(server.log).toHaveLength(sent);
});

test('an account that expires emits needs-reconnect once', async () => {
  const server = new FakeServer();
  server.integrations = [vale, sampleIntegration({ id: 2, providerAccountId: 'b', status: 'expired' })];
  const { events } = await setUp({}, server);
  server.change('expired', { ...vale, status: 'expired', isConnected: false });
  await settle();
  server.change('expired', { ...vale, status: 'expired', isConnected: false, displayName: 'x' });
  await settle();
  expect(events).toMatchObject([{ type: 'needs-reconnect', integration: { id: 1 } }]);
});

test('imageUrl resolves against baseUrl', () => {
  const client = createClient({ baseUrl: 'https://vault.example/' });
  expect(client.imageUrl('/api/images/1')).toBe('https://vault.example/api/images/1');
  expect(client.imageUrl('https://vault.example/x')).toBe('https://vault.example/x');
});
