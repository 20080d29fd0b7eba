/** Flows and account actions: needed only when the user acts or a consent returns. Loaded on demand. */
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

/** The flow runner, the account actions and the handling of returned consents. */
export type Flows = ReturnType<typeof createFlows>;

/** What `createFlows` depends on. */
export interface FlowsOptions extends Omit<ActionsOptions, 'api'> {
  /** Sends requests to the server. */
  send: Send;
  /** This page. */
  page: Page;
  /** The browser features; undefined for those of the window. */
  browser: Browser | undefined;
  /** The communication with other tabs; undefined for the window's own. */
  tabs: Tabs | undefined;
  /** Returns the absolute URL that consents return to. */
  redirectUrl(): string;
  /** Whether the client is stopped. */
  isPaused(): boolean;
}

/** Creates the flow runner and the account actions of a client. */
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
    onEnd: (flow) => emitEnd(options, flow),
  });

  /** Finishes the consent that returned to this page, if there is one. Closes the window if it was opened for it. */
  function resume(): Promise<void> {
    const notifyTabs = (flowId: string) => tabs.post({ type: 'flow', flowId });
    return runner.resume(async () => {
      const returned = await finishReturn({ api, page, browser, records, notifyTabs });
      if (returned?.record?.mode === 'popup' && browser.closeSelf()) return null;
      return returned?.outcome ?? takeOutcome(browser);
    });
  }

  emitNeedsReconnect(options);
  return { runner, resume, actions: createActions({ ...options, api }) };
}

function emitEnd({ emit }: FlowsOptions, flow: FlowState): void {
  if (flow.step === 'connected') {
    emit({ type: 'connected', provider: flow.provider, integrations: flow.integrations });
  } else if (flow.step === 'failed') {
    emit({ type: 'failed', provider: flow.provider, during: 'connect', error: flow.error });
  }
}

/** Emits `needs-reconnect` for each account that expires while this page is open. */
function emitNeedsReconnect({ store, emit }: FlowsOptions): void {
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
