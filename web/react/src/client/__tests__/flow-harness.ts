/** Test harness for the flow runner. */
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

/** A flow runner on a fake server and a fake browser, with a record of its states. */
export class FlowHarness {
  readonly server = new FakeServer();
  readonly browser: FakeBrowser;
  readonly states: FlowState[] = [{ step: 'idle' }];
  readonly ends: FlowState[] = [];
  isPaused = false;
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
      isPaused: () => this.isPaused,
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

  /** Loads the return page at `address`. Default: in another window of the same browser. */
  async comeBackTo(address: string, browser = new FakeBrowser(this.browser.site)) {
    browser.href = address;
    const records = createFlowRecords(browser);
    return finishReturn({
      api: this.api,
      page: browser,
      browser,
      records,
      notifyTabs: (id) => this.runner.wake(id),
    });
  }
}
