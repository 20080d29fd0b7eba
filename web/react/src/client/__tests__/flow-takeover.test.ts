/** Several flows in one page: a new flow replaces the current one and reuses its popup. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Outcome } from '../completion.js';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a second flow cancels the first and reuses its popup', async () => {
  const harness = new FlowHarness();
  const first = harness.connect('reddit');
  await settle();
  const second = harness.connect('tiktok');
  expect(await first).toEqual({ status: 'cancelled' });
  expect(harness.browser.popups[0]?.closed).toBe(false);
  await settle();
  await harness.comeBackTo(harness.server.consent('flow2'));
  await settle();
  expect(await second).toMatchObject({ status: 'connected' });
});

test('a replaced flow that fails late leaves the popup open', async () => {
  const harness = new FlowHarness();
  let reject = (_response: Response) => {};
  harness.server.intercept = ({ path }) =>
    path === 'connect/reddit' ? new Promise<Response>((resolve) => (reject = resolve)) : null;
  void harness.connect('reddit');
  await settle();
  const second = harness.connect('tiktok');
  await settle();
  reject(problem(503, 'OVERLOADED'));
  await settle();
  expect(harness.browser.popups.map(({ closed }) => closed)).toEqual([false, false]);
  expect(harness.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
  await harness.comeBackTo(harness.server.consent('flow1'));
  await settle();
  expect(await second).toMatchObject({ status: 'connected' });
});

test('a flow replaced before it starts closes no popup and sends no request', async () => {
  const harness = new FlowHarness();
  void harness.connect('onlyfans');
  void harness.connect('tiktok');
  await settle();
  expect(harness.browser.popups.map(({ closed }) => closed)).toEqual([false, false]);
  expect(harness.server.calls('POST connect').map(({ path }) => path)).toEqual(['connect/tiktok']);
});

test('a flow without a popup closes the popup of the flow it replaces', async () => {
  const harness = new FlowHarness();
  void harness.connect('reddit');
  await settle();
  void harness.connect('onlyfans', {}, null);
  await settle();
  expect(harness.popup?.closed).toBe(true);
});

test('the outcome of an earlier flow does not end the current one', async () => {
  const harness = new FlowHarness();
  let deliver = (_outcome: Outcome) => {};
  const resumed = harness.runner.resume(() => new Promise((resolve) => (deliver = resolve)));
  const result = harness.connect('tiktok');
  deliver({ status: 'connected', provider: 'reddit', flowId: 'flow9', accountIds: ['sim9z'] });
  await resumed;
  await settle();
  expect(harness.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
  await harness.comeBackTo(harness.server.consent('flow1'));
  await settle();
  expect(await result).toMatchObject({ status: 'connected', integrations: [{ provider: 'tiktok' }] });
});

test('an abort signal cancels only its own flow', async () => {
  const harness = new FlowHarness();
  const [first, second] = [new AbortController(), new AbortController()];
  const aborted = harness.connect('reddit', { signal: first.signal });
  await settle();
  first.abort();
  expect(await aborted).toEqual({ status: 'cancelled' });
  expect(harness.popup?.closed).toBe(true);
  expect(await harness.connect('reddit', { signal: first.signal })).toEqual({ status: 'cancelled' });
  expect(harness.server.calls('POST connect')).toHaveLength(1);
  void harness.connect('reddit', { signal: second.signal });
  void harness.connect('tiktok');
  await settle();
  second.abort();
  expect(harness.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
});
