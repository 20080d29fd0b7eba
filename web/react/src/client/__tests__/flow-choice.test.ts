/** A consent that covers several accounts: choosing which ones to connect. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKE_TIMERS, advance, settle } from './fake-time.js';
import { FlowHarness } from './flow-harness.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
afterEach(() => void vi.useRealTimers());

test('accounts of a consent given in another browser are not offered', async () => {
  const harness = new FlowHarness();
  void harness.connect('instagram');
  await settle();
  await harness.comeBackTo(harness.server.consent('flow1', ['a', 'b']), new FakeBrowser());
  await advance(20_000);
  expect(harness.state.step).toBe('waiting');
});

test('the chosen accounts are connected', async () => {
  const harness = new FlowHarness();
  const result = harness.connect('instagram');
  await settle();
  await harness.comeBackTo(harness.server.consent('flow1', ['a', 'b', 'c']));
  await settle();
  expect(harness.state).toMatchObject({ step: 'choose', accounts: [{}, {}, {}] });
  await harness.runner.chooseAccounts(['a', 'c']);
  expect(await result).toMatchObject({
    integrations: [{ providerAccountId: 'a' }, { providerAccountId: 'c' }],
  });
});

test('a choice that failed to send can be sent again', async () => {
  const harness = new FlowHarness();
  const result = harness.connect('instagram');
  await settle();
  await harness.comeBackTo(harness.server.consent('flow1', ['a', 'b']));
  await settle();
  harness.server.intercept = ({ method }) => (method === 'POST' ? problem(503, 'OVERLOADED') : null);
  await harness.runner.chooseAccounts(['a']);
  expect(harness.state).toMatchObject({ step: 'choose', busy: false, error: { code: 'OVERLOADED' } });
  harness.server.intercept = () => null;
  await harness.runner.chooseAccounts(['a']);
  expect(await result).toMatchObject({ integrations: [{ providerAccountId: 'a' }] });
});

test('all chosen accounts are reported if the flow state arrives before the response', async () => {
  const harness = new FlowHarness();
  const { server } = harness;
  const result = harness.connect('instagram');
  await settle();
  await harness.comeBackTo(server.consent('flow1', ['a', 'b']));
  await settle();
  let respond = (_response: Response) => {};
  server.intercept = ({ path }) =>
    path.endsWith('/finish') ? new Promise<Response>((resolve) => (respond = resolve)) : null;
  void harness.runner.chooseAccounts(['a', 'b']);
  await settle();
  server.integrations = ['a', 'b'].map((id, place) =>
    sampleIntegration({ id: place + 1, provider: 'instagram', providerAccountId: id }),
  );
  const flow = server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'a' };
  harness.runner.wake('flow1');
  await settle();
  respond(Response.json({ integrations: server.integrations }));
  expect(await result).toMatchObject({
    integrations: [{ providerAccountId: 'a' }, { providerAccountId: 'b' }],
  });
});
