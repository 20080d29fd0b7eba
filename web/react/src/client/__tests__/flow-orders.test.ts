/**
 * Property test of a flow against a server, with events in random order: messages, polls, closed
 * popups, cancellation, consents that return late, twice or in another browser, outages, rate
 * limits and page navigation. A consent never connects twice, and a flow never fails after it has
 * connected.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

const step = fc.constantFrom(
  'connect',
  'cancel',
  'close window',
  'look here',
  'look away',
  'reopen',
  'message',
  'message of another window',
  'other tab',
  'poll',
  'wait',
  'offline',
  'online',
  'limited',
  'leave',
  'stay',
  'consent',
  'consent in another browser',
  'deny',
  'return again',
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/**
 * Ids of flows whose consent returned to the browser that started them, before they were cancelled.
 */
type Accepted = Set<string>;

async function apply(harness: FlowHarness, event: Step, accepted: Accepted): Promise<void> {
  const { server, browser, runner, flowId } = harness;
  const flow = server.flows.get(flowId);
  switch (event) {
    case 'connect':
      return void harness.connect();
    case 'cancel':
      return runner.cancel();
    case 'close window':
      return harness.popup?.close();
    case 'look here':
      browser.focused = true;
      return browser.comeBack();
    case 'look away':
      browser.focused = false;
      return;
    case 'reopen':
      return runner.reopen();
    case 'message':
      return browser.receive({ source: harness.popup as never, data: { type: 'evergrant:flow', flowId } });
    case 'message of another window':
      return browser.receive({
        source: {} as never,
        data: { type: 'evergrant:flow', flowId, status: 'connected' },
      });
    case 'other tab':
      return runner.wake(flowId);
    case 'poll':
      return void (await vi.advanceTimersByTimeAsync(4000));
    case 'wait':
      return void (await vi.advanceTimersByTimeAsync(120_000));
    case 'offline':
      server.intercept = () => Promise.reject(new TypeError('offline'));
      return;
    case 'online':
      server.intercept = () => null;
      return;
    case 'limited':
      server.intercept = () => problem(429, 'RATE_LIMIT_ERROR', { retryAfterSeconds: 10 });
      return;
    case 'leave':
      harness.isPaused = true;
      return runner.suspend();
    case 'stay':
      harness.isPaused = false;
      runner.onRestored();
      return runner.watch();
    case 'consent':
    case 'return again':
      if (!flow) return;
      if (harness.records.read(flowId)?.verifier) accepted.add(flowId);
      return void harness.comeBackTo(server.consent(flowId, [`account of ${flowId}`]));
    case 'consent in another browser':
      return (
        flow && void harness.comeBackTo(server.consent(flowId, [`account of ${flowId}`]), new FakeBrowser())
      );
    case 'deny':
      if (flow?.state.status === 'waiting') void harness.comeBackTo(server.deny(flowId));
  }
}

test('in any order, a consent connects once and never fails after connecting', async () => {
  let connected = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const harness = new FlowHarness();
      const accepted: Accepted = new Set();
      for (const one of ['connect', ...steps] as Step[]) {
        await apply(harness, one, accepted);
        await settle();
      }
      harness.server.intercept = () => null;
      await vi.advanceTimersByTimeAsync(30_000);
      await settle();

      const { server, ends, states } = harness;
      connected += server.connectedFlows.length;
      // A consent connects once, and only if it returned to this browser while the flow was open.
      expect(new Set(server.connectedFlows).size).toBe(server.connectedFlows.length);
      for (const id of server.connectedFlows) expect(accepted).toContain(id);
      for (const id of server.connectedFlows) {
        const endSteps = ends.filter((end) => 'flowId' in end && end.flowId === id).map((end) => end.step);
        expect(endSteps).not.toContain('failed');
        expect(endSteps.length).toBeLessThanOrEqual(1);
      }
      states.forEach((state, place) => {
        if (state.step === 'connected') expect(states[place + 1]?.step).not.toBe('failed');
      });
      // The verifier of a finished flow is erased.
      for (const id of server.connectedFlows) expect(harness.records.read(id)?.verifier).toBeUndefined();
    }),
    { numRuns: 150 },
  );
  expect(connected).toBeGreaterThan(10);
}, 60_000);
