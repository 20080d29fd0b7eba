import { expect, test, vi } from 'vitest';
import { createClient } from '../client.js';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeBrowser } from './fake-browser.js';
import { FakeServer, problem } from './fake-server.js';
import { returned, setUp, withClients } from './set-up.js';
import { passed, settled } from './world.js';

withClients();

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });

test('the list and the catalogue are read once at first', async () => {
  const { server, now } = await setUp();
  expect(server.calls('GET status')).toHaveLength(1);
  expect(server.calls('GET providers')).toHaveLength(1);
  expect(now()).toMatchObject({ loading: false, error: null, live: 'stream' });
  expect(now().providers).toHaveLength(4);
});

test('what a server has read is shown at once', async () => {
  const server = new FakeServer();
  const initialStatus = { version: 1, integrations: [vale], providers: server.providers };
  const client = createClient({ fetch: server.fetch, initialStatus });
  expect(client.getSnapshot()).toMatchObject({ loading: false, integrations: [vale] });
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

test.each([
  ['/connected', 'https://app.example/connected'],
  ['https://app.example/back?a=1', 'https://app.example/back?a=1'],
  [undefined, 'https://app.example/settings?tab=1'],
])('from this page, consents come back to %s as %s', async (redirectUrl, address) => {
  const { client, server } = await setUp(redirectUrl === undefined ? {} : { redirectUrl });
  void client.connect('reddit');
  await settled();
  expect([...server.flows.values()].map((flow) => flow.redirectUrl)).toEqual([address]);
});

test('a platform without a consent page opens no window', async () => {
  const { client, browser } = await setUp();
  void client.connect('onlyfans');
  await settled();
  expect(browser.popups).toHaveLength(0);
  expect(client.getSnapshot().flow.step).toBe('credentials');
});

test('a finger means that this page goes', async () => {
  const { client, browser } = await setUp();
  browser.coarse = true;
  expect(await client.connect('reddit')).toEqual({ status: 'redirecting' });
  expect(browser.popups).toHaveLength(0);
  expect(browser.left).toHaveLength(1);
});

test('a page that was to be left and was not is free again once the user is seen on it', async () => {
  const { client, browser } = await setUp();
  browser.coarse = true;
  await client.connect('reddit');
  expect(client.getSnapshot().flow.step).toBe('redirecting');
  browser.comeBack();
  expect(client.getSnapshot().flow.step).toBe('idle');
  expect(browser.site.local?.length).toBe(1);
});

test('a consent that came back to this page is finished and told', async () => {
  const server = new FakeServer();
  const browser = await returned(server);
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

test('a listener that throws is reported, and changes nothing', async () => {
  const reported = vi.fn();
  vi.stubGlobal('reportError', reported);
  const server = new FakeServer();
  server.integrations = [vale];
  const { client, now } = await setUp({ realtime: false }, server);
  const oops = new Error('oops');
  const fails = () => {
    throw oops;
  };
  client.on(fails);
  const result = client.connect('reddit');
  await settled();
  client.cancel();
  await settled();
  expect(await result).toEqual({ status: 'cancelled' });
  server.intercept = ({ path }) => (path.startsWith('connect') ? problem(400, 'OAUTH_INIT_ERROR') : null);
  expect(await client.connect('reddit')).toMatchObject({ status: 'failed' });
  expect(reported.mock.calls).toEqual([[oops]]);
  server.change('expired', { ...vale, status: 'expired', isConnected: false });
  await client.reload();
  expect(reported).toHaveBeenCalledTimes(2);
  expect(now()).toMatchObject({ error: null, live: 'poll' });
  client.subscribe(fails);
  expect(await client.disconnect('reddit', 'a')).toMatchObject({ status: 'disconnected' });
  vi.unstubAllGlobals();
});

test('a client that nobody looks at asks for no flow, and goes on where it is looked at again', async () => {
  const { client, server, browser, stop } = await setUp({ realtime: false });
  const result = client.connect('reddit');
  await settled();
  stop();
  const asked = server.log.length;
  await passed(60_000);
  browser.comeBack();
  browser.receive({ source: browser.popup as never, data: { type: 'evergrant:flow', flowId: 'flow1' } });
  await settled();
  expect(server.log).toHaveLength(asked);
  const flow = server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'sim9z' };
  const stopAgain = client.start();
  await passed(4000);
  expect(await result).toMatchObject({ status: 'connected' });
  stopAgain();
});

test('a flow that is begun while nobody looks any more is not watched', async () => {
  const { client, server, stop } = await setUp({ realtime: false });
  void client.connect('reddit');
  stop();
  await settled();
  expect(client.getSnapshot().flow.step).toBe('waiting');
  const asked = server.log.length;
  await passed(60_000);
  expect(server.log).toHaveLength(asked);
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
