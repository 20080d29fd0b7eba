/** The page to which a consent comes back: reads its address, finishes the flow, and cleans the address. */
import type { Api } from './api.js';
import type { Browser } from './browser.js';
import { completeFlow, type Outcome } from './completion.js';
import type { ErrorCode } from './error.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import type { Page } from './page.js';

/** Set by the server on the way back; it drops a caller's own of these names. */
const NAMES = ['integration', 'status', 'accountId', 'code', 'correlationId', 'flowId', 'receipt'] as const;
const OUTCOME = 'evergrant:outcome';

/** What it said, each empty where it said nothing; `integration` is the platform. */
type Told = Record<(typeof NAMES)[number], string>;

export interface Back extends Told {
  /** The address without what the server added. */
  cleaned: string;
}

export interface Returned {
  outcome: Outcome;
  /** Null where this browser did not begin the flow. */
  record: FlowRecord | null;
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
  const told = Object.fromEntries(NAMES.map((name) => [name, url.searchParams.get(name) ?? ''])) as Told;
  if (!told.integration || !['pending', 'connected', 'error'].includes(told.status)) return null;
  for (const name of NAMES) url.searchParams.delete(name);
  return { ...told, cleaned: url.href };
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
  return { outcome, record };
}

function recordOf(back: Back, records: FlowRecords): { flowId: string; record: FlowRecord | null } {
  if (back.flowId) return { flowId: back.flowId, record: records.read(back.flowId) };
  return records.latest(back.integration) ?? { flowId: '', record: null };
}

async function settle(
  api: Api,
  records: FlowRecords,
  back: Back,
  flowId: string,
  record: FlowRecord | null,
): Promise<Outcome> {
  const { integration: provider, correlationId } = back;
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
