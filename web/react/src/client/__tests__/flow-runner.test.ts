import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, advance, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

test('the popup shows the consent page, and the server reports the result', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  expect(harness.state).toEqual({ step: 'waiting', provider: 'reddit', flowId: 'flow1' });
  expect(harness.popup?.urls).toEqual(['https://reddit.example/consent?flow1']);
  await harness.comeBackTo(harness.server.consent('flow1'));
  await settle();
  expect(await result).toMatchObject({ status: 'connected', integrations: [{ providerAccountId: 'sim9z' }] });
  expect(harness.state.step).toBe('connected');
  expect(harness.server.calls('POST flows/flow1/finish')).toHaveLength(1);
});

test('the verifier is sent only to finish, and erased afterwards', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  const stored = harness.browser.site.local?.getItem('evergrant:flow:flow1') ?? '';
  const { verifier } = JSON.parse(stored) as { verifier: string };
  expect(verifier).toMatch(/^[\w-]{43}$/);
  expect(JSON.stringify(harness.server.calls('POST connect'))).not.toContain(verifier);
  expect(JSON.stringify(harness.popup?.urls)).not.toContain(verifier);
  await harness.comeBackTo(harness.server.consent('flow1'));
  expect(harness.browser.site.local?.length).toBe(0);
  expect(harness.server.calls('POST flows')[0]?.body).toEqual({ verifier, receipt: 'receipt-flow1' });
});

test('a blocked popup falls back to a redirect', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  expect(await harness.connect()).toEqual({ status: 'redirecting' });
  expect(harness.browser.left).toEqual(['https://reddit.example/consent?flow1']);
  expect(harness.state.step).toBe('redirecting');
});

test('a restored page is idle, and its consent can still finish', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  harness.runner.onRestored();
  expect(harness.state.step).toBe('idle');
  const back = await harness.comeBackTo(harness.server.consent('flow1'));
  expect(back?.outcome.status).toBe('connected');
});

test('a closed popup is reported as unsure, and a late consent still connects', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.popup?.close();
  harness.browser.focused = false;
  await advance(1000);
  expect(harness.state.step).toBe('waiting');
  harness.browser.focused = true;
  await advance(2000);
  expect(harness.state.step).toBe('unsure');
  harness.runner.reopen();
  expect(harness.state.step).toBe('waiting');
  expect(harness.popup?.urls).toEqual(['https://reddit.example/consent?flow1']);
  await harness.comeBackTo(harness.server.consent('flow1'));
  await advance(4000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('reopen focuses a popup that is still open', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  harness.runner.reopen();
  expect(harness.browser.popups).toHaveLength(1);
  expect(harness.popup?.focused).toBe(1);
});

test('an unreachable server does not end the flow', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.server.intercept = () => Promise.reject(new TypeError('offline'));
  await advance(60_000);
  expect(harness.state.step).toBe('waiting');
  harness.server.intercept = () => null;
  await harness.comeBackTo(harness.server.consent('flow1'));
  await advance(4000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('a denied consent fails with OAUTH_DENIED', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  await harness.comeBackTo(harness.server.deny('flow1'));
  await settle();
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'OAUTH_DENIED' } });
  expect(harness.browser.site.local?.length).toBe(0);
});

test('a popup that returns after the failure still finds its record, without verifier', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  const address = harness.server.deny('flow1');
  harness.runner.wake('flow1');
  expect(await result).toMatchObject({ status: 'failed' });
  const back = await harness.comeBackTo(address);
  expect(back?.record).toMatchObject({ mode: 'popup' });
  expect(back?.record?.verifier).toBeUndefined();
});

test('a consent that returns after a cancel is not finished', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.runner.cancel();
  expect(await result).toEqual({ status: 'cancelled' });
  expect(harness.popup?.closed).toBe(true);
  const back = await harness.comeBackTo(harness.server.consent('flow1'));
  expect(back?.outcome.status).toBe('cancelled');
  expect(harness.server.calls('POST flows')).toHaveLength(0);
  expect(harness.server.integrations).toHaveLength(0);
});

test('a consent that returns to another browser is finished by neither', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  const back = await harness.comeBackTo(harness.server.consent('flow1'), new FakeBrowser());
  expect(back?.outcome).toMatchObject({ status: 'failed', code: 'STARTED_IN_OTHER_BROWSER' });
  await advance(60_000);
  expect(harness.server.calls('POST flows')).toHaveLength(0);
  expect(harness.server.integrations).toHaveLength(0);
  expect(harness.state.step).toBe('waiting');
});

test('a flow whose return page closed early is finished by the opener', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.server.consent('flow1');
  harness.records.storeReceipt('flow1', 'receipt-flow1');
  harness.popup?.close();
  await advance(20_000);
  expect(await result).toMatchObject({ status: 'connected' });
});

test('two return pages connect one account without a failure', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  const address = harness.server.consent('flow1');
  harness.records.storeReceipt('flow1', 'receipt-flow1');
  await Promise.all([harness.comeBackTo(address), harness.comeBackTo(address)]);
  await advance(20_000);
  expect(await result).toMatchObject({ status: 'connected' });
  expect(harness.server.integrations).toHaveLength(1);
});

test('a return page that loses the race reports the other one’s success', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  const address = harness.server.consent('flow1');
  // Another page has used the receipt, and the server is still processing it.
  harness.server.intercept = ({ method }) => (method === 'POST' ? problem(400, 'INVALID_STATE') : null);
  const back = harness.comeBackTo(address);
  await settle();
  const flow = harness.server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'sim9z' };
  await advance(10_000);
  expect((await back)?.outcome).toMatchObject({ status: 'connected', accountIds: ['sim9z'] });
});

test('Retry-After is respected, even if the flow is woken', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  harness.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 60 });
  await advance(1000);
  const polls = harness.server.calls('GET flows').length;
  await advance(55_000);
  harness.runner.wake('flow1');
  await settle();
  expect(harness.server.calls('GET flows')).toHaveLength(polls);
  harness.server.intercept = () => null;
  await advance(5000);
  expect(harness.server.calls('GET flows')).toHaveLength(polls + 1);
});

test('reconnecting sends the account id', async () => {
  const harness = new FlowHarness();
  void harness.connect('reddit', { accountId: 'sim9z', scopes: ['read'] });
  await settle();
  expect(harness.state).toMatchObject({ step: 'waiting', accountId: 'sim9z' });
  expect(harness.server.calls('POST connect')[0]?.body).toMatchObject({
    accountId: 'sim9z',
    scopes: ['read'],
  });
});

test('without https no flow starts, and the popup closes', async () => {
  const harness = new FlowHarness();
  harness.browser.secure = false;
  expect(await harness.connect()).toMatchObject({ status: 'failed', error: { code: 'INSECURE_CONTEXT' } });
  expect(harness.popup?.closed).toBe(true);
  expect(harness.server.calls('POST connect')).toHaveLength(0);
});

test('blocked storage fails with STORAGE_BLOCKED', async () => {
  const harness = new FlowHarness(new FakeBrowser({ local: null }));
  expect(await harness.connect()).toMatchObject({ status: 'failed', error: { code: 'STORAGE_BLOCKED' } });
  expect(harness.popup?.closed).toBe(true);
});

test('an authorization URL that is not http(s) is rejected', async () => {
  const harness = new FlowHarness();
  harness.server.intercept = ({ path }) =>
    path.startsWith('connect')
      ? Response.json({ authUrl: 'javascript:alert(1)', flowId: 'f', state: 's', expiresAt: '2030-01-01' })
      : null;
  expect(await harness.connect()).toMatchObject({ status: 'failed', error: { code: 'OAUTH_INIT_ERROR' } });
  expect(harness.popup?.urls).toEqual([]);
});

test('a flow that the server does not know fails', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.server.flows.clear();
  await advance(4000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'INVALID_STATE' } });
});

test('a flow fails when its lifetime has passed', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  await advance(620_000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'INVALID_STATE' } });
});

test('an ended session fails with UNAUTHENTICATED', async () => {
  const harness = new FlowHarness();
  const result = harness.connect();
  await settle();
  harness.server.intercept = () => problem(401, 'UNAUTHENTICATED');
  await advance(1000);
  expect(await result).toMatchObject({ status: 'failed', error: { code: 'UNAUTHENTICATED' } });
});

test('polling starts after one second and backs off; a popup message polls at once', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  const polls = () => harness.server.calls('GET flows').length;
  await advance(999);
  expect(polls()).toBe(0);
  await advance(1);
  expect(polls()).toBe(1);
  await advance(60_000);
  expect(polls()).toBeLessThan(20);
  const before = polls();
  harness.browser.receive({
    source: harness.popup as never,
    data: { type: 'evergrant:flow', flowId: 'flow1' },
  });
  await settle();
  expect(polls()).toBe(before + 1);
});
