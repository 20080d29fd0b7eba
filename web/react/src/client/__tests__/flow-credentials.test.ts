import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

test('a flow with pasted credentials closes the popup and connects', async () => {
  const harness = new FlowHarness();
  const result = harness.connect('onlyfans');
  await settle();
  expect(harness.popup?.closed).toBe(true);
  expect(harness.state).toMatchObject({ step: 'credentials', flowId: 'flow1' });
  await harness.runner.submitCredentials({ sess: 's' });
  expect(await result).toMatchObject({
    status: 'connected',
    integrations: [{ providerAccountId: '900001' }],
  });
});

test('a rejected session shows field errors and can be sent again', async () => {
  const harness = new FlowHarness();
  void harness.connect('onlyfans');
  await settle();
  const fields = [{ field: 'values.sess', message: 'Please fill in sess.' }];
  harness.server.intercept = ({ path }) =>
    path.endsWith('credentials') ? problem(422, 'VALIDATION_ERROR', { fields }) : null;
  await harness.runner.submitCredentials({});
  expect(harness.state).toMatchObject({
    step: 'credentials',
    busy: false,
    error: { fields: { 'values.sess': 'Please fill in sess.' } },
  });
  harness.server.intercept = () => null;
  await harness.runner.submitCredentials({ sess: 's' });
  expect(harness.state.step).toBe('connected');
});

test('an expired flow is replaced when the session is sent', async () => {
  const harness = new FlowHarness();
  void harness.connect('onlyfans');
  await settle();
  harness.server.flows.clear();
  await harness.runner.submitCredentials({ sess: 's' });
  expect(harness.state.step).toBe('connected');
  expect(harness.server.calls('POST connect')).toHaveLength(2);
});
