/** The page that a consent returns to: parses its URL, finishes the flow, and cleans the URL. */
import type { Api } from './api.js';
import type { Browser } from './browser.js';
import { completeFlow, isConcealed, type Outcome, outcomeOf } from './completion.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import type { Page } from './page.js';
import type { ServerFlow } from './types.js';

/** The query parameters that the server adds to the return URL. It removes parameters of these names first. */
const PARAMETERS = [
  'integration',
  'status',
  'accountId',
  'code',
  'correlationId',
  'flowId',
  'receipt',
  'retryAfterSeconds',
] as const;
/** The key in `sessionStorage` under which the return page leaves the outcome for the next page of its tab. */
const OUTCOME_KEY = 'evergrant:outcome';

/** The values of the query parameters; empty if absent. `integration` is the platform. */
type ReturnParameters = Record<(typeof PARAMETERS)[number], string>;

/** A parsed return URL. */
export interface ReturnAddress extends ReturnParameters {
  /** The URL without the query parameters that the server added. */
  cleaned: string;
}

/** The result of `finishReturn`. */
export interface ReturnResult {
  /** How the flow ended. */
  outcome: Outcome;
  /** The record of the flow; null if this browser did not start it. */
  record: FlowRecord | null;
}

/** What `finishReturn` depends on. */
export interface ReturnOptions {
  /** The routes to call. */
  api: Api;
  /** The page whose URL is parsed. */
  page: Pick<Page, 'address'>;
  /** The browser features. */
  browser: Browser;
  /** The flows that this browser started. */
  records: FlowRecords;
  /** Notifies the other tabs that the state of the flow has changed. */
  notifyTabs(flowId: string): void;
}

/** Parses a return URL; null if the URL does not describe a returned consent. */
export function parseReturnAddress(address: string): ReturnAddress | null {
  const url = new URL(address);
  const values = Object.fromEntries(
    PARAMETERS.map((name) => [name, url.searchParams.get(name) ?? '']),
  ) as ReturnParameters;
  if (!values.integration || !['pending', 'connected', 'error'].includes(values.status)) return null;
  for (const name of PARAMETERS) url.searchParams.delete(name);
  return { ...values, cleaned: url.href };
}

/**
 * Finishes the flow described by the page's URL; null if there is none. The URL is cleaned before the first
 * request, so that the receipt does not stay in the history.
 */
export async function finishReturn(options: ReturnOptions): Promise<ReturnResult | null> {
  const { api, page, browser, records, notifyTabs } = options;
  const address = parseReturnAddress(page.address());
  if (!address) return null;
  const { flowId, record } = recordOf(address, records);
  browser.setAddress(withHash(address.cleaned, record));
  const outcome = await settle(api, records, address, flowId, record);
  if (flowId) {
    browser.notifyOpener(flowId);
    notifyTabs(flowId);
  }
  return { outcome, record };
}

function recordOf(
  address: ReturnAddress,
  records: FlowRecords,
): { flowId: string; record: FlowRecord | null } {
  if (address.flowId) return { flowId: address.flowId, record: records.read(address.flowId) };
  return records.latest(address.integration) ?? { flowId: '', record: null };
}

async function settle(
  api: Api,
  records: FlowRecords,
  address: ReturnAddress,
  flowId: string,
  record: FlowRecord | null,
): Promise<Outcome> {
  const { integration: provider } = address;
  if (address.status === 'connected') {
    return { status: 'connected', provider, flowId, accountIds: [address.accountId] };
  }
  if (address.status === 'error') {
    return settleError(api, records, address, flowId, record);
  }
  // Without a verifier, the consent was started in another browser: a forwarded link or an attack (login CSRF, RFC 9700,
  // section 4.7). Nothing is sent and nothing is stored.
  if (!record) return { status: 'failed', provider, flowId, code: 'STARTED_IN_OTHER_BROWSER' };
  records.storeReceipt(flowId, address.receipt);
  return completeFlow(api, records, flowId, { ...record, receipt: address.receipt });
}

/**
 * Reports a failed flow. If the server tells more to the browser that consented, a page in a window leaves the receipt to
 * the page that opened it, which reports the failure and removes the receipt.
 */
async function settleError(
  api: Api,
  records: FlowRecords,
  address: ReturnAddress,
  flowId: string,
  record: FlowRecord | null,
): Promise<Outcome> {
  const { integration: provider, receipt, code, correlationId, retryAfterSeconds } = address;
  const told = { status: 'error', retryAfterSeconds: +retryAfterSeconds } as ServerFlow;
  if (code) told.code = code;
  if (correlationId) told.correlationId = correlationId;
  if (record?.mode === 'popup' && receipt && isConcealed(told)) records.storeReceipt(flowId, receipt);
  else if (flowId) records.remove(flowId);
  return outcomeOf(api, told, flowId, { ...record, provider, receipt }) as Promise<Outcome>;
}

/** The fragments that Reddit (`#_`) and Facebook (`#_=_`) append, and that browsers carry through redirects. */
const PROVIDER_FRAGMENT = /^#_(?:=_)?$/;

/**
 * Restores the fragment of the page that started the flow, if the consent returned to that page. Fragments are not sent
 * to servers, so the return URL cannot contain it.
 */
function withHash(cleaned: string, record: FlowRecord | null): string {
  const here = new URL(cleaned);
  if (PROVIDER_FRAGMENT.test(here.hash)) here.hash = '';
  if (record && !here.hash) {
    const there = new URL(record.returnTo);
    if (here.origin + here.pathname === there.origin + there.pathname) here.hash = there.hash;
  }
  return here.href;
}

/** Stores an outcome for the next page of this tab. */
export function storeOutcome(browser: Browser, outcome: Outcome): void {
  browser.session()?.setItem(OUTCOME_KEY, JSON.stringify(outcome));
}

/** Returns the outcome that the previous page of this tab stored, and removes it; null if there is none. */
export function takeOutcome(browser: Browser): Outcome | null {
  const text = browser.session()?.getItem(OUTCOME_KEY);
  browser.session()?.removeItem(OUTCOME_KEY);
  try {
    return text ? (JSON.parse(text) as Outcome) : null;
  } catch {
    return null;
  }
}
