/**
 * The whole of a flow against a server, in any order of what can happen: messages, polls, closed windows, cancels,
 * consents that come back late, twice or elsewhere, outages, limits and pages that are left. Never two accounts, never "failed" after "connected".
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKED, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

const step = fc.constantFrom(
  'connect',
  'cancel',
  'close window',
  'look here',
  'look away',
  'reopen',
  'message',
  'foreign message',
  'other tab',
  'poll',
  'wait',
  'offline',
  'online',
  'limited',
  'leave',
  'stay',
  'consent',
  'consent elsewhere',
  'deny',
  'return again',
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Consents that came back to the browser that asked for them, while it still wanted them. */
type Wanted = Set<string>;

async function take(world: World, what: Step, wanted: Wanted): Promise<void> {
  const { server, browser, runner, flowId } = world;
  const flow = server.flows.get(flowId);
  switch (what) {
    case 'connect':
      return void world.connect();
    case 'cancel':
      return runner.cancel();
    case 'close window':
      return world.popup?.close();
    case 'look here':
      browser.focused = true;
      return browser.comeBack();
    case 'look away':
      browser.focused = false;
      return;
    case 'reopen':
      return runner.reopen();
    case 'message':
      return browser.receive({ source: world.popup as never, data: { type: 'evergrant:flow', flowId } });
    case 'foreign message':
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
      world.isResting = true;
      return runner.rest();
    case 'stay':
      world.isResting = false;
      runner.restored();
      return runner.watch();
    case 'consent':
    case 'return again':
      if (!flow) return;
      if (world.records.read(flowId)?.verifier) wanted.add(flowId);
      return void world.comeBackTo(server.consent(flowId, [`account of ${flowId}`]));
    case 'consent elsewhere':
      return (
        flow && void world.comeBackTo(server.consent(flowId, [`account of ${flowId}`]), new FakeBrowser())
      );
    case 'deny':
      if (flow?.state.status === 'waiting') void world.comeBackTo(server.deny(flowId));
  }
}

test('in any order: never two accounts of one consent, never failed after connected', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const world = new World();
      const wanted: Wanted = new Set();
      for (const one of ['connect', ...steps] as Step[]) {
        await take(world, one, wanted);
        await settled();
      }
      world.server.intercept = () => null;
      await vi.advanceTimersByTimeAsync(30_000);
      await settled();

      const { server, ends, states } = world;
      // One consent makes one account, and only if it came back here and was wanted.
      expect(new Set(server.made).size).toBe(server.made.length);
      for (const id of server.made) expect(wanted).toContain(id);
      for (const id of server.made) {
        const told = ends.filter((end) => 'flowId' in end && end.flowId === id).map((end) => end.step);
        expect(told).not.toContain('failed');
        expect(told.length).toBeLessThanOrEqual(1);
      }
      states.forEach((state, place) => {
        if (state.step === 'connected') expect(states[place + 1]?.step).not.toBe('failed');
      });
      // Nothing secret of a finished flow stays.
      for (const id of server.made) expect(world.records.read(id)?.verifier).toBeUndefined();
    }),
    { numRuns: 150 },
  );
}, 60_000);
