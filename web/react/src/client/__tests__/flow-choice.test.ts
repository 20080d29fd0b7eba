/** One consent that reached several accounts: which of them are meant. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sampleIntegration } from '../../testing/samples.js';
import { FakeBrowser } from './fake-browser.js';
import { problem } from './fake-server.js';
import { FAKED, passed, settled, World } from './world.js';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
afterEach(() => void vi.useRealTimers());

test('accounts that another browser reached are not offered here', async () => {
  const world = new World();
  void world.connect('instagram');
  await settled();
  await world.comeBackTo(world.server.consent('flow1', ['a', 'b']), new FakeBrowser());
  await passed(20_000);
  expect(world.state.step).toBe('waiting');
});

test('several accounts are chosen from here', async () => {
  const world = new World();
  const result = world.connect('instagram');
  await settled();
  await world.comeBackTo(world.server.consent('flow1', ['a', 'b', 'c']));
  await settled();
  expect(world.state).toMatchObject({ step: 'choose', accounts: [{}, {}, {}] });
  await world.runner.chooseAccounts(['a', 'c']);
  expect(await result).toMatchObject({
    integrations: [{ providerAccountId: 'a' }, { providerAccountId: 'c' }],
  });
});

test('a choice that could not be sent may be sent again', async () => {
  const world = new World();
  const result = world.connect('instagram');
  await settled();
  await world.comeBackTo(world.server.consent('flow1', ['a', 'b']));
  await settled();
  world.server.intercept = ({ method }) => (method === 'POST' ? problem(503, 'OVERLOADED') : null);
  await world.runner.chooseAccounts(['a']);
  expect(world.state).toMatchObject({ step: 'choose', busy: false, error: { code: 'OVERLOADED' } });
  world.server.intercept = () => null;
  await world.runner.chooseAccounts(['a']);
  expect(await result).toMatchObject({ integrations: [{ providerAccountId: 'a' }] });
});

test('of what was chosen all is told, also where the server’s word of it comes before its answer', async () => {
  const world = new World();
  const { server } = world;
  const result = world.connect('instagram');
  await settled();
  await world.comeBackTo(server.consent('flow1', ['a', 'b']));
  await settled();
  let answer = (_response: Response) => {};
  server.intercept = ({ path }) =>
    path.endsWith('/finish') ? new Promise<Response>((resolve) => (answer = resolve)) : null;
  void world.runner.chooseAccounts(['a', 'b']);
  await settled();
  server.integrations = ['a', 'b'].map((id, place) =>
    sampleIntegration({ id: place + 1, provider: 'instagram', providerAccountId: id }),
  );
  const flow = server.flows.get('flow1');
  if (flow) flow.state = { status: 'connected', accountId: 'a' };
  world.runner.wake('flow1');
  await settled();
  answer(Response.json({ integrations: server.integrations }));
  expect(await result).toMatchObject({
    integrations: [{ providerAccountId: 'a' }, { providerAccountId: 'b' }],
  });
});
