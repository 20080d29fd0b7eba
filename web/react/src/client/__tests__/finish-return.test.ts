import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { leaveOutcome, readBack, takeOutcome } from '../finish-return.js';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKED, passed, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

test('an address that tells of no flow is left alone', () => {
  for (const query of [
    '',
    '?status=pending',
    '?integration=reddit',
    '?integration=reddit&status=odd',
    '?code=1&state=2',
  ]) {
    expect(readBack(`https://app.example/${query}`)).toBeNull();
  }
});

test('what the server added goes, what the app has stays', () => {
  const back = readBack(
    'https://app.example/a?tab=1&integration=reddit&status=pending&flowId=f&receipt=r&code=c&correlationId=x&accountId=y&z=2',
  );
  expect(back?.cleaned).toBe('https://app.example/a?tab=1&z=2');
});

test('the address is clean before anything is sent, and has its fragment back', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  const browser = new FakeBrowser(world.browser.site);
  world.server.intercept = () => {
    expect(browser.href).toBe('https://app.example/settings#accounts');
    return null;
  };
  await world.comeBackTo(world.server.consent('flow1'), browser);
  expect(world.server.integrations).toHaveLength(1);
});

test.each(['#_', '#_=_'])('what a platform appends is cleaned away: %s', async (litter) => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  const browser = new FakeBrowser(world.browser.site);
  await world.comeBackTo(world.server.consent('flow1') + litter, browser);
  expect(browser.href).toBe('https://app.example/settings#accounts');
});

test('who opened this page and the other tabs are told which flow to ask for', async () => {
  const world = new World();
  void world.connect();
  await settled();
  const browser = new FakeBrowser(world.browser.site);
  await world.comeBackTo(world.server.consent('flow1'), browser);
  expect(browser.told).toEqual(['flow1']);
});

test('a page without a network tries again, and keeps what it needs to', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  world.server.intercept = ({ method }) => (method === 'POST' ? problem(503, 'DATABASE_ERROR') : null);
  const back = world.comeBackTo(world.server.consent('flow1'));
  await passed(1000);
  world.server.intercept = () => null;
  await passed(10_000);
  expect((await back)?.outcome.status).toBe('connected');
});

test('an outage is waited out for as long as the flow lives, and a limit is kept to', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  const limit = { retryAfterSeconds: 120 };
  world.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', limit);
  const back = world.comeBackTo(world.server.consent('flow1'));
  await settled();
  const asked = world.server.log.length;
  await passed(115_000);
  expect(world.server.log).toHaveLength(asked);
  world.server.intercept = () => Promise.reject(new TypeError('offline'));
  await passed(300_000);
  world.server.intercept = () => null;
  await passed(30_000);
  expect((await back)?.outcome.status).toBe('connected');
});

test('what does not pass while the flow lives is told, with how long to wait', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  const limit = { retryAfterSeconds: 700 };
  world.server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', limit);
  const back = await world.comeBackTo(world.server.consent('flow1'));
  const outcome = { status: 'failed', code: 'RATE_LIMIT_ERROR', retryAfter: 700 };
  expect(back?.outcome).toMatchObject(outcome);
  const page = new World(world.browser, world.server);
  await page.runner.resume(async () => back?.outcome ?? null);
  expect(page.state).toMatchObject({ step: 'failed', error: { retryAfter: 700, correlationId: 'c1' } });
});

test('a fault of the server is tried a few times only', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  world.server.intercept = ({ method }) => (method === 'POST' ? problem(500, 'INTERNAL_ERROR') : null);
  const back = world.comeBackTo(world.server.consent('flow1'));
  await passed(30_000);
  expect((await back)?.outcome).toMatchObject({ status: 'failed', code: 'INTERNAL_ERROR' });
  expect(world.server.calls('POST flows')).toHaveLength(4);
});

test('what is cancelled during an outage is not taken once it is over', async () => {
  const world = new World();
  void world.connect();
  await settled();
  world.server.intercept = () => problem(503, 'OVERLOADED');
  const back = world.comeBackTo(world.server.consent('flow1'));
  await settled();
  world.runner.cancel();
  world.server.intercept = () => null;
  await passed(30_000);
  expect((await back)?.outcome.status).toBe('cancelled');
  expect(world.server.integrations).toEqual([]);
});

test('a refusal that is final is not tried again', async () => {
  const world = new World();
  world.browser.blocked = true;
  await world.connect();
  world.server.intercept = ({ method }) =>
    method === 'POST' ? problem(409, 'ACCOUNT_ALREADY_CONNECTED') : null;
  const back = await world.comeBackTo(world.server.consent('flow1'));
  expect(back?.outcome).toMatchObject({
    status: 'failed',
    code: 'ACCOUNT_ALREADY_CONNECTED',
    correlationId: 'c1',
  });
  expect(world.server.calls('POST flows')).toHaveLength(1);
});

test('a success that the address alone claims is told only if the server lists the account', async () => {
  const world = new World();
  const claim = { status: 'connected', provider: 'reddit', flowId: '', accountIds: ['x'] } as const;
  await world.runner.resume(async () => claim);
  expect(world.state.step).toBe('idle');
});

test('an outcome is left for the next page of this tab, once', () => {
  const browser = new FakeBrowser();
  expect(takeOutcome(browser)).toBeNull();
  leaveOutcome(browser, { status: 'cancelled', provider: 'reddit', flowId: 'f' });
  expect(takeOutcome(browser)).toMatchObject({ flowId: 'f' });
  expect(takeOutcome(browser)).toBeNull();
  browser.tab.setItem('evergrant:outcome', '{');
  expect(takeOutcome(browser)).toBeNull();
});
