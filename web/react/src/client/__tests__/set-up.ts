/** A client on a fake server, a fake tab and a fake clock. */
import { afterEach, beforeEach, vi } from 'vitest';
import { createClient } from '../client.js';
import type { ClientEvent, ClientOptions } from '../client-types.js';
import { FakeBrowser, FakeHub } from './fake-browser.js';
import { FakeServer } from './fake-server.js';
import { FAKE_TIMERS, settle } from './fake-time.js';
// Loaded in advance, so that tests do not wait for these chunks.
import '../flows.js';
import '../live.js';

const ends: (() => void)[] = [];

/** Sets up a test file: fake timers, and every client is stopped after its test. */
export function withClients(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKE_TIMERS.toFake] }));
  afterEach(() => {
    ends.splice(0).forEach((end) => end());
    vi.useRealTimers();
  });
}

/** Creates and starts a client, and waits until its first requests have settle. */
export async function setUp(options: ClientOptions = {}, server = new FakeServer(), hub = new FakeHub()) {
  const browser = new FakeBrowser();
  const client = createClient({ fetch: server.fetch, page: browser, browser, tabs: hub.tabs(), ...options });
  const events: ClientEvent[] = [];
  client.on((event) => events.push(event));
  const stop = client.start();
  ends.push(stop);
  await settle();
  await vi.dynamicImportSettled();
  await settle();
  return { server, hub, browser, client, events, stop, now: () => client.getSnapshot() };
}

/** Returns a browser at the return URL of a consent. */
export async function returned(server: FakeServer): Promise<FakeBrowser> {
  const before = await setUp({}, server);
  before.browser.blocked = true;
  await before.client.connect('reddit');
  before.stop();
  const browser = new FakeBrowser(before.browser.site);
  browser.href = server.consent('flow1');
  return browser;
}
