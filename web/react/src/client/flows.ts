/** What a page needs only once somebody does something, or comes back from a platform. Loaded apart. */
import { type ActionsOptions, createActions, isOneOf } from './account-actions.js';
import { createApi } from './api.js';
import { type Browser, createBrowser } from './browser.js';
import { finishReturn, takeOutcome } from './finish-return.js';
import { createFlowRecords } from './flow-records.js';
import { FlowRunner } from './flow-runner.js';
import type { FlowState } from './flow-state.js';
import type { Send } from './http.js';
import type { Page } from './page.js';
import { createTabs, type Tabs } from './tabs.js';

export type Flows = ReturnType<typeof createFlows>;

export interface FlowsOptions extends Omit<ActionsOptions, 'api'> {
  send: Send;
  page: Page;
  browser: Browser | undefined;
  tabs: Tabs | undefined;
  /** Where consents come back to. */
  redirectUrl(): string;
  /** Whether nobody looks at this client just now. */
  isResting(): boolean;
}

export function createFlows(options: FlowsOptions) {
  const { send, page, store, reload, browser = createBrowser(), tabs = createTabs() } = options;
  const api = createApi(send);
  const records = createFlowRecords(browser);
  const runner = new FlowRunner({
    ...options,
    api,
    browser,
    records,
    state: () => store.get().flow,
    setState: (flow) => store.set({ ...store.get(), flow }),
    async accounts(provider, accountIds) {
      await reload();
      return store.get().integrations.filter(isOneOf(provider, accountIds));
    },
    async provider(id) {
      if (store.get().providers.length === 0) await reload();
      return store.get().providers.find(({ provider }) => provider === id);
    },
    onEnd: (flow) => tellEnd(options, flow),
  });

  /** Finishes what has come back to this page; a window that was opened for it closes. */
  function resume(): Promise<void> {
    const tell = (flowId: string) => tabs.tell({ type: 'flow', flowId });
    return runner.resume(async () => {
      const returned = await finishReturn({ api, page, browser, records, tell });
      if (returned?.record?.mode === 'popup' && browser.closeSelf()) return null;
      return returned?.outcome ?? takeOutcome(browser);
    });
  }

  tellExpired(options);
  return { runner, resume, actions: createActions({ ...options, api }) };
}

function tellEnd({ emit }: FlowsOptions, flow: FlowState): void {
  if (flow.step === 'connected') {
    emit({ type: 'connected', provider: flow.provider, integrations: flow.integrations });
  } else if (flow.step === 'failed') {
    emit({ type: 'failed', provider: flow.provider, during: 'connect', error: flow.error });
  }
}

/** Tells of accounts that come to need their owner while this page is open. */
function tellExpired({ store, emit }: FlowsOptions): void {
  let before = store.get().integrations;
  store.subscribe(() => {
    const known = new Map(before.map((one) => [one.id, one.status]));
    before = store.get().integrations;
    for (const integration of before) {
      const was = known.get(integration.id) ?? 'expired';
      if (integration.status === 'expired' && was !== 'expired')
        emit({ type: 'needs-reconnect', integration });
    }
  });
}
