/** A flow runner with its surroundings, for tests; time is vitest's. */
import { vi } from 'vitest';
import { isOneOf } from '../account-actions.js';
import { createApi } from '../api.js';
import { finishReturn } from '../finish-return.js';
import { createFlowRecords } from '../flow-records.js';
import { FlowRunner } from '../flow-runner.js';
import type { FlowState } from '../flow-state.js';
import { createSend } from '../http.js';
import type { ConnectOptions } from '../flow-options.js';
import { FakeBrowser, type FakePopup } from './fake-browser.js';
import { FakeServer } from './fake-server.js';

export class World {
  readonly server = new FakeServer();
  readonly browser: FakeBrowser;
  readonly states: FlowState[] = [{ step: 'idle' }];
  readonly ends: FlowState[] = [];
  isResting = false;
  readonly api = createApi(createSend({ fetch: this.server.fetch }));
  readonly records;
  readonly runner: FlowRunner;

  constructor(browser = new FakeBrowser(), server?: FakeServer) {
    if (server) this.server = server;
    this.api = createApi(createSend({ fetch: this.server.fetch }));
    this.browser = browser;
    this.records = createFlowRecords(browser);
    this.runner = new FlowRunner({
      api: this.api,
      page: browser,
      browser,
      records: this.records,
      state: () => this.state,
      setState: (state) => void this.states.push(state),
      provider: async (id) => this.server.providers.find(({ provider }) => provider === id),
      isResting: () => this.isResting,
      redirectUrl: () => 'https://app.example/settings',
      accounts: async (provider, ids) => this.server.integrations.filter(isOneOf(provider, ids)),
      onEnd: (state) => void this.ends.push(state),
    });
  }

  get state(): FlowState {
    return this.states.at(-1) ?? { step: 'idle' };
  }

  get popup(): FakePopup | undefined {
    return this.browser.popup;
  }

  get flowId(): string {
    return [...this.server.flows.keys()].at(-1) ?? '';
  }

  connect(provider = 'reddit', options: ConnectOptions = {}, popup = this.browser.openPopup()) {
    return this.runner.connect(provider, options, popup);
  }

  /** The page to which the consent comes back, in a window of the same browser. */
  async comeBackTo(address: string, browser = new FakeBrowser(this.browser.site)) {
    browser.href = address;
    const records = createFlowRecords(browser);
    return finishReturn({
      api: this.api,
      page: browser,
      browser,
      records,
      tell: (id) => this.runner.wake(id),
    });
  }
}

/** Digests are made beside the loop of events, and take their own time. */
const digests = { underWay: 0 };
const { subtle } = crypto;
const digest = subtle.digest.bind(subtle);
subtle.digest = async (...args) => {
  digests.underWay++;
  try {
    return await digest(...args);
  } finally {
    digests.underWay--;
  }
};

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Lets what is under way go on, without any time passing. */
export async function settled(): Promise<void> {
  for (let calm = 0; calm < 8; calm++) {
    await vi.advanceTimersByTimeAsync(0);
    await turn();
    while (digests.underWay > 0) await turn();
  }
}

/** Time passes, a little at a time: what a timer begins is under way before the next one ends it. */
export async function passed(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5000) {
    await vi.advanceTimersByTimeAsync(Math.min(left, 5000));
    await settled();
  }
}

/** Only what ticks is faked: digests and streams keep their own pace. */
export const FAKED = {
  toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
} as const;
