import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKED, passed, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a window is sent to the consent page, and the server says when it is done', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  expect(world.state).toEqual({ step: 'waiting', provider: 'reddit', flowId: 'flow1' });
  expect(world.popup?.urls).toEqual(['https://reddit.example/consent?flow1']);
  await world.comeBackTo(world.server.consent('flow1'));
  await settled();
  expect(await result).toMatchObject({ status: 'connected', integrations: [{ providerAccountId: 'sim9z' }] });
  expect(world.state.step).toBe('connected');
  expect(world.server.calls('POST flows/flow1/finish')).toHaveLength(1);
});

test('the challenge is sent at once, the verifier only to finish, and nothing of it stays', async () => {
  const world = new World();
  void world.connect();
  await settled();
  const kept = world.browser.site.local?.getItem('evergrant:flow:flow1') ?? '';
  const { verifier } = JSON.parse(kept) as { verifier: string };
  expect(verifier).toMatch(/^[\w-]{43}$/);
  expect(JSON.stringify(world.server.calls('POST connect'))).not.toContain(verifier);
  expect(JSON.stringify(world.popup?.urls)).not.toContain(verifier);
  await world.comeBackTo(world.server.consent('flow1'));
  expect(world.browser.site.local?.length).toBe(0);
  expect(world.server.calls('POST flows')[0]?.body).toEqual({ verifier, receipt: 'receipt-flow1' });
});

test('a blocked window means that this page goes', async () => {
  const world = new World();
  world.browser.blocked = true;
  expect(await world.connect()).toEqual({ status: 'redirecting' });
  expect(world.browser.left).toEqual(['https://reddit.example/consent?flow1']);
  expect(world.state.step).toBe('redirecting');
});

test('a page that did not go, or has come back as it was, is free again; the consent may still come', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  world.runner.restored();
  expect(world.state.step).toBe('idle');
  const back = await world.comeBackTo(world.server.consent('flow1'));
  expect(back?.outcome.status).toBe('connected');
});

test('a window that is closed is a question, and a late consent still connects', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.popup?.close();
  world.browser.focused = false;
  await passed(1000);
  expect(world.state.step).toBe('waiting');
  world.browser.focused = true;
  await passed(2000);
  expect(world.state.step).toBe('unsure');
  world.runner.reopen();
  expect(world.state.step).toBe('waiting');
  expect(world.popup?.urls).toEqual(['https://reddit.example/consent?flow1']);
  await world.comeBackTo(world.server.consent('flow1'));
  await passed(4000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('a window that is still open comes to the front instead of a second one', async () => {
  const world = new World();
  void world.connect();
  await settled();
  world.runner.reopen();
  expect(world.browser.popups).toHaveLength(1);
  expect(world.popup?.focused).toBe(1);
});

test('that the server cannot be reached ends nothing', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.server.intercept = () => Promise.reject(new TypeError('offline'));
  await passed(60_000);
  expect(world.state.step).toBe('waiting');
  world.server.intercept = () => null;
  await world.comeBackTo(world.server.consent('flow1'));
  await passed(4000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('a denial is told by its code', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  await world.comeBackTo(world.server.deny('flow1'));
  await settled();
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'OAUTH_DENIED' } });
  expect(world.browser.site.local?.length).toBe(0);
});

test('a window that comes back after its failure is known still knows that it was begun here', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  const address = world.server.deny('flow1');
  world.runner.wake('flow1');
  expect(await result).toMatchObject({ status: 'failed' });
  const back = await world.comeBackTo(address);
  expect(back?.record).toMatchObject({ mode: 'popup' });
  expect(back?.record?.verifier).toBeUndefined();
});

test('what comes back after a cancel is not taken', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.runner.cancel();
  expect(await result).toEqual({ status: 'cancelled' });
  expect(world.popup?.closed).toBe(true);
  const back = await world.comeBackTo(world.server.consent('flow1'));
  expect(back?.outcome.status).toBe('cancelled');
  expect(world.server.calls('POST flows')).toHaveLength(0);
  expect(world.server.integrations).toHaveLength(0);
});

test('a consent that came back to another browser is not finished by either', async () => {
  const world = new World();
  void world.connect();
  await settled();
  const back = await world.comeBackTo(world.server.consent('flow1'), new FakeBrowser());
  expect(back?.outcome).toMatchObject({ status: 'failed', code: 'BEGUN_ELSEWHERE' });
  await passed(60_000);
  expect(world.server.calls('POST flows')).toHaveLength(0);
  expect(world.server.integrations).toHaveLength(0);
  expect(world.state.step).toBe('waiting');
});

test('a return page that was closed too early is finished here', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.server.consent('flow1');
  world.records.keepReceipt('flow1', 'receipt-flow1');
  world.popup?.close();
  await passed(20_000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('both pages may finish: there is one account, and no failure', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  const address = world.server.consent('flow1');
  world.records.keepReceipt('flow1', 'receipt-flow1');
  await Promise.all([world.comeBackTo(address), world.comeBackTo(address)]);
  await passed(20_000);
  expect(await result).toMatchObject({ status: 'connected' });
  expect(world.server.integrations).toHaveLength(1);
});

test('a page that loses the race is told of the other one’s success', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  const address = world.server.consent('flow1');
  // Another page has used the receipt up, and the server is not done with it.
  world.server.intercept = ({ method }) => (method === 'POST' ? problem(400, 'INVALID_STATE') : null);
  const back = world.comeBackTo(address);
  await settled();
  const flow = world.server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'sim9z' };
  await passed(10_000);
  expect((await back)?.outcome).toMatchObject({ status: 'connected', accountIds: ['sim9z'] });
});

test('the server is not asked before it wants to be', async () => {
  const world = new World();
  void world.connect();
  await settled();
  world.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 60 });
  await passed(1000);
  const asked = world.server.calls('GET flows').length;
  await passed(55_000);
  world.runner.wake('flow1');
  await settled();
  expect(world.server.calls('GET flows')).toHaveLength(asked);
  world.server.intercept = () => null;
  await passed(5000);
  expect(world.server.calls('GET flows')).toHaveLength(asked + 1);
});

test('a reconnect names its account', async () => {
  const world = new World();
  void world.connect('reddit', { accountId: 'sim9z', scopes: ['read'] });
  await settled();
  expect(world.state).toMatchObject({ step: 'waiting', accountId: 'sim9z' });
  expect(world.server.calls('POST connect')[0]?.body).toMatchObject({ accountId: 'sim9z', scopes: ['read'] });
});

test('without https nothing is begun, and no window stays', async () => {
  const world = new World();
  world.browser.secure = false;
  expect(await world.connect()).toMatchObject({ status: 'failed', error: { code: 'INSECURE_CONTEXT' } });
  expect(world.popup?.closed).toBe(true);
  expect(world.server.calls('POST connect')).toHaveLength(0);
});

test('a browser that keeps nothing is told so', async () => {
  const world = new World(new FakeBrowser({ local: null }));
  expect(await world.connect()).toMatchObject({ status: 'failed', error: { code: 'STORAGE_BLOCKED' } });
  expect(world.popup?.closed).toBe(true);
});

test('only an address of the web is gone to', async () => {
  const world = new World();
  world.server.intercept = ({ path }) =>
    path.startsWith('connect')
      ? Response.json({ authUrl: 'javascript:alert(1)', flowId: 'f', state: 's', expiresAt: '2030-01-01' })
      : null;
  expect(await world.connect()).toMatchObject({ status: 'failed', error: { code: 'OAUTH_INIT_ERROR' } });
  expect(world.popup?.urls).toEqual([]);
});

test('a flow that the server forgot ends', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.server.flows.clear();
  await passed(4000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'INVALID_STATE' } });
});

test('a flow that never ends is given up after its time', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  await passed(620_000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'INVALID_STATE' } });
});

test('a session that has ended is told', async () => {
  const world = new World();
  const result = world.connect();
  await settled();
  world.server.intercept = () => problem(401, 'UNAUTHENTICATED');
  await passed(1000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'UNAUTHENTICATED' } });
});

test('the server is asked after one second, then ever later, and at once on a message of the window', async () => {
  const world = new World();
  void world.connect();
  await settled();
  const asked = () => world.server.calls('GET flows').length;
  await passed(999);
  expect(asked()).toBe(0);
  await passed(1);
  expect(asked()).toBe(1);
  await passed(60_000);
  expect(asked()).toBeLessThan(20);
  const before = asked();
  world.browser.receive({ source: world.popup as never, data: { type: 'evergrant:flow', flowId: 'flow1' } });
  await settled();
  expect(asked()).toBe(before + 1);
});
