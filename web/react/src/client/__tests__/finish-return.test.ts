import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { storeOutcome, parseReturnAddress, takeOutcome } from '../finish-return.js';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, advance, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a URL without the parameters of a flow is not parsed', () => {
  for (const query of [
    '',
    '?status=pending',
    '?integration=reddit',
    '?integration=reddit&status=odd',
    '?code=1&state=2',
  ]) {
    expect(parseReturnAddress(`https://app.example/${query}`)).toBeNull();
  }
});

test('the server’s parameters are removed and the app’s are kept', () => {
  const back = parseReturnAddress(
    'https://app.example/a?tab=1&integration=reddit&status=pending&flowId=f&receipt=r&code=c&correlationId=x&accountId=y&z=2',
  );
  expect(back?.cleaned).toBe('https://app.example/a?tab=1&z=2');
});

test('the URL is cleaned before any request, and its fragment restored', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  const browser = new FakeBrowser(harness.browser.site);
  harness.server.intercept = () => {
    expect(browser.href).toBe('https://app.example/settings#accounts');
    return null;
  };
  await harness.comeBackTo(harness.server.consent('flow1'), browser);
  expect(harness.server.integrations).toHaveLength(1);
});

test.each(['#_', '#_=_'])('a fragment that the platform appends is removed: %s', async (appended) => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  const browser = new FakeBrowser(harness.browser.site);
  await harness.comeBackTo(harness.server.consent('flow1') + appended, browser);
  expect(browser.href).toBe('https://app.example/settings#accounts');
});

test('the opener is notified of the flow', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  const browser = new FakeBrowser(harness.browser.site);
  await harness.comeBackTo(harness.server.consent('flow1'), browser);
  expect(browser.openerNotifications).toEqual(['flow1']);
});

test('finishing is retried after a server error', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  harness.server.intercept = ({ method }) => (method === 'POST' ? problem(503, 'DATABASE_ERROR') : null);
  const back = harness.comeBackTo(harness.server.consent('flow1'));
  await advance(1000);
  harness.server.intercept = () => null;
  await advance(10_000);
  expect((await back)?.outcome.status).toBe('connected');
});

test('finishing is retried until the flow expires, and respects Retry-After', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  const limit = { retryAfterSeconds: 120 };
  harness.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', limit);
  const back = harness.comeBackTo(harness.server.consent('flow1'));
  await settle();
  const sent = harness.server.log.length;
  await advance(115_000);
  expect(harness.server.log).toHaveLength(sent);
  harness.server.intercept = () => Promise.reject(new TypeError('offline'));
  await advance(300_000);
  harness.server.intercept = () => null;
  await advance(30_000);
  expect((await back)?.outcome.status).toBe('connected');
});

test('a Retry-After beyond the life of the flow fails with that delay', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  const limit = { retryAfterSeconds: 700 };
  harness.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', limit);
  const back = await harness.comeBackTo(harness.server.consent('flow1'));
  const outcome = { status: 'failed', code: 'RATE_LIMIT_ERROR', retryAfter: 700 };
  expect(back?.outcome).toMatchObject(outcome);
  const page = new FlowHarness(harness.browser, harness.server);
  await page.runner.resume(async () => back?.outcome ?? null);
  expect(page.state).toMatchObject({ step: 'failed', error: { retryAfter: 700, correlationId: 'c1' } });
});

test('a 500 response is retried at most three times', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  harness.server.intercept = ({ method }) => (method === 'POST' ? problem(500, 'INTERNAL_ERROR') : null);
  const back = harness.comeBackTo(harness.server.consent('flow1'));
  await advance(30_000);
  expect((await back)?.outcome).toMatchObject({ status: 'failed', code: 'INTERNAL_ERROR' });
  expect(harness.server.calls('POST flows')).toHaveLength(4);
});

test('a flow cancelled during an outage is not finished afterwards', async () => {
  const harness = new FlowHarness();
  void harness.connect();
  await settle();
  harness.server.intercept = () => problem(503, 'OVERLOADED');
  const back = harness.comeBackTo(harness.server.consent('flow1'));
  await settle();
  harness.runner.cancel();
  harness.server.intercept = () => null;
  await advance(30_000);
  expect((await back)?.outcome.status).toBe('cancelled');
  expect(harness.server.integrations).toEqual([]);
});

test('a non-retryable error is not retried', async () => {
  const harness = new FlowHarness();
  harness.browser.blocked = true;
  await harness.connect();
  harness.server.intercept = ({ method }) =>
    method === 'POST' ? problem(409, 'ACCOUNT_ALREADY_CONNECTED') : null;
  const back = await harness.comeBackTo(harness.server.consent('flow1'));
  expect(back?.outcome).toMatchObject({
    status: 'failed',
    code: 'ACCOUNT_ALREADY_CONNECTED',
    correlationId: 'c1',
  });
  expect(harness.server.calls('POST flows')).toHaveLength(1);
});

const MISMATCH = { accounts: [{ providerAccountId: 'b', username: 'wren', displayName: null }] };

/** Starts a reconnect in a window, or in this page. */
async function reconnect(harness: FlowHarness, blocked: boolean): Promise<void> {
  harness.browser.blocked = blocked;
  void harness.connect('reddit', { accountId: 'a' });
  await settle();
}

test.each(['window', 'page'])('a failure in a %s has its reference, detail and retry time', async (place) => {
  const harness = new FlowHarness();
  await reconnect(harness, place === 'page');
  const back = await harness.comeBackTo(harness.server.fail('flow1', 'NETWORK_ERROR'));
  await settle();
  const page = new FlowHarness(harness.browser, harness.server);
  if (place === 'page') await page.runner.resume(async () => back?.outcome ?? null);
  const error = { code: 'NETWORK_ERROR', correlationId: 'of-flow1', retryAfter: 30 };
  expect((place === 'page' ? page : harness).state).toMatchObject({ step: 'failed', accountId: 'a', error });
});

test.each(['window', 'page'])('the proofs reveal a wrong account in a %s', async (place) => {
  const harness = new FlowHarness();
  await reconnect(harness, place === 'page');
  const concealed = { code: 'ACCOUNT_MISMATCH', ...MISMATCH };
  const address = harness.server.fail('flow1', 'OAUTH_CALLBACK_ERROR', concealed);
  harness.runner.wake('flow1');
  await settle();
  expect(harness.states.some(({ step }) => step === 'failed')).toBe(false);
  const back = await harness.comeBackTo(address);
  await settle();
  const page = new FlowHarness(harness.browser, harness.server);
  if (place === 'page') await page.runner.resume(async () => back?.outcome ?? null);
  const error = { code: 'ACCOUNT_MISMATCH', correlationId: 'of-flow1', ...MISMATCH };
  expect((place === 'page' ? page : harness).state).toMatchObject({ step: 'failed', accountId: 'a', error });
  expect(harness.records.read('flow1')?.verifier).toBeUndefined();
});

test('without the receipt, a failure is reported after a few reads, without the account', async () => {
  const harness = new FlowHarness();
  await reconnect(harness, false);
  const concealed = { code: 'ACCOUNT_MISMATCH', ...MISMATCH };
  await harness.comeBackTo(
    harness.server.fail('flow1', 'OAUTH_CALLBACK_ERROR', concealed),
    new FakeBrowser(),
  );
  await advance(20_000);
  const error = { code: 'OAUTH_CALLBACK_ERROR', message: 'What the server says.' };
  expect(harness.state).toMatchObject({ step: 'failed', error });
  expect(harness.server.calls('POST flows')).toEqual([]);
});

test('a connected outcome without a listed account is ignored', async () => {
  const harness = new FlowHarness();
  const unverified = { status: 'connected', provider: 'reddit', flowId: '', accountIds: ['x'] } as const;
  await harness.runner.resume(async () => unverified);
  expect(harness.state.step).toBe('idle');
});

test('a stored outcome is taken once, by the next page of this tab', () => {
  const browser = new FakeBrowser();
  expect(takeOutcome(browser)).toBeNull();
  storeOutcome(browser, { status: 'cancelled', provider: 'reddit', flowId: 'f' });
  expect(takeOutcome(browser)).toMatchObject({ flowId: 'f' });
  expect(takeOutcome(browser)).toBeNull();
  browser.tab.setItem('evergrant:outcome', '{');
  expect(takeOutcome(browser)).toBeNull();
});
