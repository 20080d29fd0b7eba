/** The page to which a consent comes back: reads its address, finishes the flow, and cleans the address. */
import type { Api } from './api.js';
import type { Browser } from './browser.js';
import { completeFlow, type Outcome } from './completion.js';
import type { ErrorCode } from './error.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import type { Page } from './page.js';

/** Set by the server on the way back; it drops a caller's own of these names. */
const NAMES = ['integration', 'status', 'accountId', 'code', 'correlationId', 'flowId', 'receipt'];
const OUTCOME = 'evergrant:outcome';

export interface Back {
  provider: string;
  status: string;
  flowId: string;
  receipt: string;
  accountId: string;
  code: string;
  correlationId: string;
  /** The address without what the server added. */
  cleaned: string;
}

export interface Returned {
  outcome: Outcome;
  /** Absent where this browser did not begin the flow. */
  record?: FlowRecord;
}

export interface ReturnOptions {
  api: Api;
  page: Pick<Page, 'address'>;
  browser: Browser;
  records: FlowRecords;
  /** Tells the other tabs. */
  tell(flowId: string): void;
}

/** What the address tells of a flow; null where it tells nothing. */
export function readBack(address: string): Back | null {
  const url = new URL(address);
  const value = (name: string) => url.searchParams.get(name) ?? '';
  const back = {
    provider: value('integration'),
    status: value('status'),
    flowId: value('flowId'),
    receipt: value('receipt'),
    accountId: value('accountId'),
    code: value('code'),
    correlationId: value('correlationId'),
  };
  if (!back.provider || !['pending', 'connected', 'error'].includes(back.status)) return null;
  for (const name of NAMES) url.searchParams.delete(name);
  return { ...back, cleaned: url.href };
}

/** Null where the address tells nothing. The address is clean before this first waits. */
export async function finishReturn(options: ReturnOptions): Promise<Returned | null> {
  const { api, page, browser, records, tell } = options;
  const back = readBack(page.address());
  if (!back) return null;
  const { flowId, record } = recordOf(back, records);
  browser.setAddress(withHash(back.cleaned, record));
  const outcome = await settle(api, records, back, flowId, record);
  if (flowId) {
    browser.tellOpener(flowId);
    tell(flowId);
  }
  return { outcome, ...(record ? { record } : {}) };
}

function recordOf(back: Back, records: FlowRecords): { flowId: string; record: FlowRecord | null } {
  if (back.flowId) return { flowId: back.flowId, record: records.read(back.flowId) };
  return records.latest(back.provider) ?? { flowId: '', record: null };
}

async function settle(
  api: Api,
  records: FlowRecords,
  back: Back,
  flowId: string,
  record: FlowRecord | null,
): Promise<Outcome> {
  const { provider, correlationId } = back;
  if (back.status === 'connected') {
    return { status: 'connected', provider, flowId, accountIds: [back.accountId] };
  }
  if (back.status === 'error') {
    if (flowId) records.remove(flowId);
    const code = (back.code || 'OAUTH_CALLBACK_ERROR') as ErrorCode;
    return {
      status: 'failed',
      provider,
      flowId: flowId || undefined,
      code,
      correlationId: correlationId || undefined,
    };
  }
  // Without the verifier this is another's consent, forwarded or tricked: nothing is sent, and nothing is kept.
  if (!record) return { status: 'failed', provider, flowId, code: 'BEGUN_ELSEWHERE' };
  records.keepReceipt(flowId, back.receipt);
  return completeFlow(api, records, flowId, { ...record, receipt: back.receipt });
}

/** What Reddit and Facebook append, and browsers carry along; nobody meant it. */
const LITTER = /^#_(?:=_)?$/;

/** A fragment cannot travel through a redirect, so it comes from where the flow was begun, if that was this page. */
function withHash(cleaned: string, record: FlowRecord | null): string {
  const here = new URL(cleaned);
  if (LITTER.test(here.hash)) here.hash = '';
  if (record && !here.hash) {
    const there = new URL(record.returnTo);
    if (here.origin + here.pathname === there.origin + there.pathname) here.hash = there.hash;
  }
  return here.href;
}

/** Leaves what came of a flow for the page that this tab goes to next. */
export function leaveOutcome(browser: Browser, outcome: Outcome): void {
  browser.session()?.setItem(OUTCOME, JSON.stringify(outcome));
}

/** What the page before has left; once. */
export function takeOutcome(browser: Browser): Outcome | null {
  const text = browser.session()?.getItem(OUTCOME);
  browser.session()?.removeItem(OUTCOME);
  try {
    return text ? (JSON.parse(text) as Outcome) : null;
  } catch {
    return null;
  }
}
