/** Messages between windows and tabs, in a real browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBrowser } from '../browser.js';
import { createClient } from '../client.js';
import { createPage, type Page } from '../page.js';
import { createTabs, type TabMessage } from '../tabs.js';

const here = location.origin;
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000 });
const providers = [{ provider: 'reddit', name: 'Reddit', kind: 'oauth2', scopes: [] }];

/** A server whose flow stays in `waiting`, with a log of its requests. */
function server() {
  const requests: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const path = String(input).replace(/^.*\/api\/integrations\//, '');
    requests.push(`${init?.method} ${path}`);
    if (path === 'providers') return Response.json({ providers });
    if (path === 'status') return Response.json({ version: 1, integrations: [] });
    if (path.startsWith('connect')) {
      return Response.json({
        authUrl: 'https://x.example/',
        state: 's',
        flowId: 'f1',
        expiresAt: '2999-01-01T00:00:00Z',
      });
    }
    return path.startsWith('flows')
      ? Response.json({ status: 'waiting' })
      : Response.json({}, { status: 404 });
  };
  return { requests, fetch, polls: () => requests.filter((one) => one === 'GET flows/f1').length };
}

/** A page whose popup is an iframe, which can post messages. */
function pageWith(frame: HTMLIFrameElement): Page {
  const popup = {
    closed: false,
    isSource: ({ source, origin }: MessageEvent) => source === frame.contentWindow && origin === here,
    go: () => {},
    focus: () => {},
    close: () => {},
  };
  return {
    ...createPage(),
    address: () => `${here}/settings`,
    isCoarse: () => false,
    openPopup: () => popup,
  };
}

let frame: HTMLIFrameElement;
beforeEach(() => {
  frame = document.body.appendChild(document.createElement('iframe'));
});
afterEach(() => {
  frame.remove();
  localStorage.clear();
});

/** Starts a flow and waits for its first poll. */
async function waitingFlow() {
  const fake = server();
  const client = createClient({ fetch: fake.fetch, page: pageWith(frame), realtime: false });
  const stop = client.start();
  void client.connect('reddit');
  await eventually(() => expect(client.getSnapshot().flow.step).toBe('waiting'));
  await eventually(() => expect(fake.polls()).toBe(1));
  return { ...fake, client, end: () => (client.cancel(), stop()) };
}

const dispatchMessage = (init: MessageEventInit) => window.dispatchEvent(new MessageEvent('message', init));
const flow = { type: 'evergrant:flow', flowId: 'f1' };

test('item 17: a popup message triggers a poll and nothing more', async () => {
  const { polls, client, end } = await waitingFlow();
  const message = { ...flow, status: 'connected', accountId: 'evil', receipt: 'r' };
  dispatchMessage({ data: message, source: frame.contentWindow, origin: here });
  await eventually(() => expect(polls()).toBe(2));
  expect(client.getSnapshot().flow.step).toBe('waiting');
  end();
});

test.each([
  ['another origin', () => ({ data: flow, source: frame.contentWindow, origin: 'https://evil.example' })],
  ['another window', () => ({ data: flow, source: window, origin: here })],
  ['no window', () => ({ data: flow, origin: here })],
  ['another type', () => ({ data: { type: 'other' }, source: frame.contentWindow, origin: here })],
  ['no data', () => ({ data: null, source: frame.contentWindow, origin: here })],
])('item 17: a message with %s is ignored', async (_, init) => {
  const { polls, end } = await waitingFlow();
  const before = polls();
  dispatchMessage(init());
  // A valid message follows, so that a poll caused by the first one would have happened by then.
  dispatchMessage({ data: flow, source: frame.contentWindow, origin: here });
  await eventually(() => expect(polls()).toBe(before + 1));
  end();
});

test('item 17: a popup recognizes its messages by origin and source', () => {
  const opened = frame.contentWindow as Window;
  vi.spyOn(window, 'open').mockReturnValueOnce(opened);
  const popup = createPage().openPopup();
  const message = (init: MessageEventInit) => new MessageEvent('message', init);
  expect(popup?.isSource(message({ source: opened, origin: here }))).toBe(true);
  expect(popup?.isSource(message({ source: opened, origin: 'https://evil.example' }))).toBe(false);
  expect(popup?.isSource(message({ source: window, origin: here }))).toBe(false);
});

test('item 17: the message to the opener names only the flow, at this exact origin', () => {
  const postMessage = vi.fn();
  vi.spyOn(window, 'opener', 'get').mockReturnValue({ postMessage } as never);
  createBrowser().notifyOpener('f1');
  expect(postMessage.mock.calls).toEqual([[{ type: 'evergrant:flow', flowId: 'f1' }, here]]);
  vi.restoreAllMocks();
});

test('item 17: messages between tabs name only the flow, and malformed ones are ignored', async () => {
  const received: TabMessage[] = [];
  const onChannel: unknown[] = [];
  const script = new BroadcastChannel('evergrant');
  script.onmessage = ({ data }) => onChannel.push(data);
  const unsubscribe = createTabs().listen((message) => received.push(message));
  createTabs().post({ type: 'flow', flowId: 'f1' });
  script.postMessage('nonsense');
  script.postMessage(null);
  script.postMessage({ type: 'flow', flowId: 'f2' });
  await eventually(() => expect(received.map((one) => 'flowId' in one && one.flowId)).toEqual(['f1', 'f2']));
  expect(onChannel).toEqual([{ type: 'flow', flowId: 'f1' }]);
  unsubscribe();
  script.close();
});

test('a tab does not receive its own messages', async () => {
  const [mine, other] = [createTabs(), createTabs()];
  const received: TabMessage[] = [];
  const unsubscribe = mine.listen((message) => received.push(message));
  mine.post({ type: 'flow', flowId: 'mine' });
  other.post({ type: 'flow', flowId: 'other' });
  await eventually(() => expect(received).toHaveLength(1));
  expect(received).toEqual([{ type: 'flow', flowId: 'other' }]);
  unsubscribe();
});

test('item 17: another script’s message on the channel only triggers a poll', async () => {
  const { polls, client, end } = await waitingFlow();
  const script = new BroadcastChannel('evergrant');
  script.postMessage({ type: 'flow', flowId: 'f1', status: 'connected' });
  await eventually(() => expect(polls()).toBeGreaterThanOrEqual(1));
  expect(client.getSnapshot().flow.step).toBe('waiting');
  script.close();
  end();
});

test('one tab leads, and the next takes over when it stops', async () => {
  const log: string[] = [];
  const lead = (name: string) =>
    createTabs().lead('test', () => {
      log.push(`${name} leads`);
      return () => log.push(`${name} ends`);
    });
  const first = lead('first');
  const second = lead('second');
  await eventually(() => expect(log).toEqual(['first leads']));
  first();
  await eventually(() => expect(log).toEqual(['first leads', 'first ends', 'second leads']));
  second();
  await eventually(() => expect(log.at(-1)).toBe('second ends'));
});
