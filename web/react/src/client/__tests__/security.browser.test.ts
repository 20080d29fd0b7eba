/** In a real browser: who may say what to our pages, and what comes of it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBrowser } from '../browser.js';
import { createClient } from '../client.js';
import { createPage, type Page } from '../page.js';
import { createTabs, type TabMessage } from '../tabs.js';

const here = location.origin;
const soon = (check: () => void) => vi.waitFor(check, { timeout: 10_000 });
const providers = [{ provider: 'reddit', name: 'Reddit', kind: 'oauth2', scopes: [] }];

/** A server whose flow waits for ever, and a log of what it was asked. */
function server() {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const path = String(input).replace(/^.*\/api\/integrations\//, '');
    asked.push(`${init?.method} ${path}`);
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
  return { asked, fetch, polls: () => asked.filter((one) => one === 'GET flows/f1').length };
}

/** A page whose popup is an iframe: a window of its own that can speak. */
function pageWith(frame: HTMLIFrameElement): Page {
  const popup = {
    closed: false,
    sent: ({ source, origin }: MessageEvent) => source === frame.contentWindow && origin === here,
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

async function waiting() {
  const world = server();
  const client = createClient({ fetch: world.fetch, page: pageWith(frame), realtime: false });
  const stop = client.start();
  void client.connect('reddit');
  await soon(() => expect(client.getSnapshot().flow.step).toBe('waiting'));
  await soon(() => expect(world.polls()).toBe(1));
  return { ...world, client, end: () => (client.cancel(), stop()) };
}

const said = (init: MessageEventInit) => window.dispatchEvent(new MessageEvent('message', init));
const flow = { type: 'evergrant:flow', flowId: 'f1' };

test('item 17: a message of the window makes the page ask, and nothing more', async () => {
  const { polls, client, end } = await waiting();
  const message = { ...flow, status: 'connected', accountId: 'evil', receipt: 'r' };
  said({ data: message, source: frame.contentWindow, origin: here });
  await soon(() => expect(polls()).toBe(2));
  expect(client.getSnapshot().flow.step).toBe('waiting');
  end();
});

test.each([
  ['another origin', () => ({ data: flow, source: frame.contentWindow, origin: 'https://evil.example' })],
  ['another window', () => ({ data: flow, source: window, origin: here })],
  ['no window', () => ({ data: flow, origin: here })],
  ['another matter', () => ({ data: { type: 'other' }, source: frame.contentWindow, origin: here })],
  ['nothing', () => ({ data: null, source: frame.contentWindow, origin: here })],
])('item 17: a message of %s is not heard', async (_, init) => {
  const { polls, end } = await waiting();
  const before = polls();
  said(init());
  // A real one comes after it, so that whatever the first had caused would be there by now.
  said({ data: flow, source: frame.contentWindow, origin: here });
  await soon(() => expect(polls()).toBe(before + 1));
  end();
});

test('item 17: the popup that the page opens knows its own messages by origin and source', () => {
  const opened = frame.contentWindow as Window;
  vi.spyOn(window, 'open').mockReturnValueOnce(opened);
  const popup = createPage().openPopup();
  const message = (init: MessageEventInit) => new MessageEvent('message', init);
  expect(popup?.sent(message({ source: opened, origin: here }))).toBe(true);
  expect(popup?.sent(message({ source: opened, origin: 'https://evil.example' }))).toBe(false);
  expect(popup?.sent(message({ source: window, origin: here }))).toBe(false);
});

test('item 17: the opener is told at this exact origin, which flow and nothing else', () => {
  const postMessage = vi.fn();
  vi.spyOn(window, 'opener', 'get').mockReturnValue({ postMessage } as never);
  createBrowser().tellOpener('f1');
  expect(postMessage.mock.calls).toEqual([[{ type: 'evergrant:flow', flowId: 'f1' }, here]]);
  vi.restoreAllMocks();
});

test('item 17: tabs tell each other what to ask for, and a stranger on the channel is told nothing', async () => {
  const heard: TabMessage[] = [];
  const overheard: unknown[] = [];
  const stranger = new BroadcastChannel('evergrant');
  stranger.onmessage = ({ data }) => overheard.push(data);
  const deaf = createTabs().listen((message) => heard.push(message));
  createTabs().tell({ type: 'flow', flowId: 'f1' });
  stranger.postMessage('nonsense');
  stranger.postMessage(null);
  stranger.postMessage({ type: 'flow', flowId: 'f2' });
  await soon(() => expect(heard.map((one) => 'flowId' in one && one.flowId)).toEqual(['f1', 'f2']));
  expect(overheard).toEqual([{ type: 'flow', flowId: 'f1' }]);
  deaf();
  stranger.close();
});

test('a tab does not hear itself', async () => {
  const [mine, other] = [createTabs(), createTabs()];
  const heard: TabMessage[] = [];
  const deaf = mine.listen((message) => heard.push(message));
  mine.tell({ type: 'flow', flowId: 'mine' });
  other.tell({ type: 'flow', flowId: 'other' });
  await soon(() => expect(heard).toHaveLength(1));
  expect(heard).toEqual([{ type: 'flow', flowId: 'other' }]);
  deaf();
});

test('item 17: a stranger on the channel only makes the page ask', async () => {
  const { polls, client, end } = await waiting();
  const stranger = new BroadcastChannel('evergrant');
  stranger.postMessage({ type: 'flow', flowId: 'f1', status: 'connected' });
  await soon(() => expect(polls()).toBeGreaterThanOrEqual(1));
  expect(client.getSnapshot().flow.step).toBe('waiting');
  stranger.close();
  end();
});

test('one tab leads, and the next one follows when it leaves', async () => {
  const log: string[] = [];
  const lead = (name: string) =>
    createTabs().lead('test', () => {
      log.push(`${name} leads`);
      return () => log.push(`${name} ends`);
    });
  const first = lead('first');
  const second = lead('second');
  await soon(() => expect(log).toEqual(['first leads']));
  first();
  await soon(() => expect(log).toEqual(['first leads', 'first ends', 'second leads']));
  second();
  await soon(() => expect(log.at(-1)).toBe('second ends'));
});
