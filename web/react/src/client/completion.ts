/** Finishes a flow whose consent has returned to this browser, with the stored verifier and the received receipt. */
import type { Api } from './api.js';
import { waitAfter } from './backoff.js';
import { asError, type ErrorCode, type ErrorDetails } from './error.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import { pause } from './pause.js';
import type { Choice, ServerFlow } from './types.js';

/** The accounts are connected. */
export interface ConnectedOutcome {
  status: 'connected';
  /** The platform. */
  provider: string;
  /** The flow; empty if the return URL does not name it. */
  flowId: string;
  /** The accounts' ids at the platform. */
  accountIds: readonly string[];
}

/** The consent covers several accounts, and the user must choose. */
export interface ChooseOutcome {
  status: 'choose';
  /** The platform. */
  provider: string;
  /** The flow. */
  flowId: string;
  /** The accounts to choose from. */
  accounts: readonly Choice[];
}

/** The flow failed. */
export interface FailedOutcome extends Pick<ErrorDetails, 'correlationId' | 'retryAfter'> {
  status: 'failed';
  /** The platform. */
  provider: string;
  /** The flow; absent if the return URL does not name it. */
  flowId?: string | undefined;
  /** Why it failed. */
  code: ErrorCode;
}

/** The flow was cancelled in this browser. */
export interface CancelledOutcome {
  status: 'cancelled';
  /** The platform. */
  provider: string;
  /** The flow. */
  flowId: string;
}

/** How a flow ended, or that the user must choose. Plain data, so that it can be stored for another page. */
export type Outcome = ConnectedOutcome | ChooseOutcome | FailedOutcome | CancelledOutcome;

/** Attempts to finish a flow after failures that waiting rarely fixes. */
const MAX_ATTEMPTS = 4;
/** A signal that never fires. */
const NEVER = new AbortController().signal;

/**
 * Finishes a flow. Idempotent: a flow that has already been finished is reported as connected. Outages are retried for
 * as long as the flow is valid. If `accountIds` is given, retryable failures are thrown instead, because the user who
 * made the choice can retry.
 */
export async function completeFlow(
  api: Api,
  records: FlowRecords,
  flowId: string,
  record: FlowRecord,
  accountIds?: readonly string[],
): Promise<Outcome> {
  const { provider, verifier, receipt } = record;
  for (let attempt = 1; ; attempt++) {
    // Another page of this browser removes the record when it has finished the flow; `cancel` removes the verifier.
    const isCurrent = (records.read(flowId) ?? record).verifier;
    if (!isCurrent || !verifier || !receipt) return { status: 'cancelled', provider, flowId };
    try {
      const body = { verifier, receipt, accountIds };
      const outcome =
        (accountIds ? null : await readOutcome(api, flowId, provider)) ??
        ({
          status: 'connected',
          provider,
          flowId,
          accountIds: (await api.finish(flowId, body)).integrations.map((one) => one.providerAccountId),
        } satisfies Outcome);
      if (outcome.status !== 'choose') records.remove(flowId);
      return outcome;
    } catch (thrown) {
      const error = asError(thrown);
      // Another page of this browser may have finished the flow, or be doing so.
      const raced = error.code === 'INVALID_STATE';
      const finished = raced ? await readOutcome(api, flowId, provider).catch(() => null) : null;
      if (finished?.status === 'connected') return finished;
      if (error.retryable && accountIds) throw error;
      const wait = waitAfter(error, attempt);
      // An outage ends with time. An internal error rarely does, and a lost race is decided soon.
      const isOutage = error.retryable && error.code !== 'INTERNAL_ERROR';
      const mayPass = isOutage
        ? Date.now() + wait < record.expiresAt
        : (error.retryable || raced) && attempt < MAX_ATTEMPTS;
      const { code, correlationId, retryAfter } = error;
      if (!mayPass) return { status: 'failed', provider, flowId, code, correlationId, retryAfter };
      await pause(wait, NEVER);
    }
  }
}

/** Reads the flow's outcome from the server; null if the flow must still be finished. */
async function readOutcome(api: Api, flowId: string, provider: string): Promise<Outcome | null> {
  return outcomeOf(await api.flow(flowId), provider, flowId);
}

/** Converts the server's state of a flow to an outcome; null while the flow is in progress. */
export function outcomeOf(flow: ServerFlow, provider: string, flowId: string): Outcome | null {
  const { status, accountId, accounts = [] } = flow;
  const own = { provider, flowId };
  if (status === 'choose') return { status, ...own, accounts };
  if (status === 'connected') return { status, ...own, accountIds: accountId ? [accountId] : [] };
  if (status !== 'error') return null;
  return { status: 'failed', ...own, code: (flow.code ?? 'OAUTH_CALLBACK_ERROR') as ErrorCode };
}
