import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { problem } from './fake-server.js';
import { FAKED, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a pasted session needs no window', async () => {
  const world = new World();
  const result = world.connect('onlyfans');
  await settled();
  expect(world.popup?.closed).toBe(true);
  expect(world.state).toMatchObject({ step: 'credentials', flowId: 'flow1' });
  await world.runner.submitCredentials({ sess: 's' });
  expect(await result).toMatchObject({
    status: 'connected',
    integrations: [{ providerAccountId: '900001' }],
  });
});

test('what is wrong with a pasted session is told, and it may be sent again', async () => {
  const world = new World();
  void world.connect('onlyfans');
  await settled();
  const fields = [{ field: 'values.sess', message: 'Please fill in sess.' }];
  world.server.intercept = ({ path }) =>
    path.endsWith('credentials') ? problem(422, 'VALIDATION_ERROR', { fields }) : null;
  await world.runner.submitCredentials({});
  expect(world.state).toMatchObject({
    step: 'credentials',
    busy: false,
    error: { fields: { 'values.sess': 'Please fill in sess.' } },
  });
  world.server.intercept = () => null;
  await world.runner.submitCredentials({ sess: 's' });
  expect(world.state.step).toBe('connected');
});

test('whoever needs more than ten minutes to find a session gets another ten', async () => {
  const world = new World();
  void world.connect('onlyfans');
  await settled();
  world.server.flows.clear();
  await world.runner.submitCredentials({ sess: 's' });
  expect(world.state.step).toBe('connected');
  expect(world.server.calls('POST connect')).toHaveLength(2);
});
