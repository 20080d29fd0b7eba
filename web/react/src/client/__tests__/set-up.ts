/** A client on a made-up server, tab and clock. */
import { afterEach, beforeEach, vi } from 'vitest';
import { createClient } from '../client.js';
import type { ClientEvent, ClientOptions } from '../client-types.js';
import { FakeBrowser, FakeHub } from './fake-browser.js';
import { FakeServer } from './fake-server.js';
import { FAKED, settled } from './world.js';
// Loaded beforehand, so that no test waits for a file.
import '../flows.js';
import '../live.js';

const ends: (() => void)[] = [];

/** In a test file: time is vitest's, and every client is stopped. */
export function withClients(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED.toFake] }));
  afterEach(() => {
    ends.splice(0).forEach((end) => end());
    vi.useRealTimers();
  });
}

export async function setUp(options: ClientOptions = {}, server = new FakeServer(), hub = new FakeHub()) {
  const browser = new FakeBrowser();
  const client = createClient({ fetch: server.fetch, page: browser, browser, tabs: hub.tabs(), ...options });
  const events: ClientEvent[] = [];
  client.on((event) => events.push(event));
  const stop = client.start();
  ends.push(stop);
  await settled();
  await vi.dynamicImportSettled();
  await settled();
  return { server, hub, browser, client, events, stop, now: () => client.getSnapshot() };
}

/** A browser to which a consent has come back. */
export async function returned(server: FakeServer): Promise<FakeBrowser> {
  const before = await setUp({}, server);
  before.browser.blocked = true;
  await before.client.connect('reddit');
  before.stop();
  const browser = new FakeBrowser(before.browser.site);
  browser.href = server.consent('flow1');
  return browser;
}
