/** Several flows of one page: a later one takes the earlier one's place, and its window. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Outcome } from '../completion.js';
import { problem } from './fake-server.js';
import { FAKED, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a second flow takes the first one over, window and all', async () => {
  const world = new World();
  const first = world.connect('reddit');
  await settled();
  const second = world.connect('tiktok');
  expect(await first).toEqual({ status: 'cancelled' });
  expect(world.browser.popups[0]?.closed).toBe(false);
  await settled();
  await world.comeBackTo(world.server.consent('flow2'));
  await settled();
  expect(await second).toMatchObject({ status: 'connected' });
});

test('a flow that fails only once another has taken its window over leaves it open', async () => {
  const world = new World();
  let refuse = (_response: Response) => {};
  world.server.intercept = ({ path }) =>
    path === 'connect/reddit' ? new Promise<Response>((resolve) => (refuse = resolve)) : null;
  void world.connect('reddit');
  await settled();
  const second = world.connect('tiktok');
  await settled();
  refuse(problem(503, 'OVERLOADED'));
  await settled();
  expect(world.browser.popups.map(({ closed }) => closed)).toEqual([false, false]);
  expect(world.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
  await world.comeBackTo(world.server.consent('flow1'));
  await settled();
  expect(await second).toMatchObject({ status: 'connected' });
});

test('a flow that is overtaken before it is begun closes no window, and asks for nothing', async () => {
  const world = new World();
  void world.connect('onlyfans');
  void world.connect('tiktok');
  await settled();
  expect(world.browser.popups.map(({ closed }) => closed)).toEqual([false, false]);
  expect(world.server.calls('POST connect').map(({ path }) => path)).toEqual(['connect/tiktok']);
});

test('a flow without a window closes that of the flow that it takes over', async () => {
  const world = new World();
  void world.connect('reddit');
  await settled();
  void world.connect('onlyfans', {}, null);
  await settled();
  expect(world.popup?.closed).toBe(true);
});

test('what came back of one flow does not end another that was begun meanwhile', async () => {
  const world = new World();
  let tell = (_outcome: Outcome) => {};
  const resumed = world.runner.resume(() => new Promise((resolve) => (tell = resolve)));
  const result = world.connect('tiktok');
  tell({ status: 'connected', provider: 'reddit', flowId: 'flow9', accountIds: ['sim9z'] });
  await resumed;
  await settled();
  expect(world.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
  await world.comeBackTo(world.server.consent('flow1'));
  await settled();
  expect(await result).toMatchObject({ status: 'connected', integrations: [{ provider: 'tiktok' }] });
});

test('a signal gives its flow up, and no other', async () => {
  const world = new World();
  const [first, second] = [new AbortController(), new AbortController()];
  const given = world.connect('reddit', { signal: first.signal });
  await settled();
  first.abort();
  expect(await given).toEqual({ status: 'cancelled' });
  expect(world.popup?.closed).toBe(true);
  expect(await world.connect('reddit', { signal: first.signal })).toEqual({ status: 'cancelled' });
  expect(world.server.calls('POST connect')).toHaveLength(1);
  void world.connect('reddit', { signal: second.signal });
  void world.connect('tiktok');
  await settled();
  second.abort();
  expect(world.state).toMatchObject({ step: 'waiting', provider: 'tiktok' });
});
