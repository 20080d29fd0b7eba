/** Finishes a flow whose consent has returned to this browser, with the stored verifier and the received receipt. */
import type { Api, Proofs } from './api.js';
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
export interface FailedOutcome extends Pick<ErrorDetails, 'accounts' | 'correlationId' | 'retryAfter'> {
  status: 'failed';
  /** The platform. */
  provider: string;
  /** The flow; absent if the return URL does not name it. */
  flowId?: string | undefined;
  /** The account to reconnect; absent for a new connection. */
  accountId?: string | undefined;
  /** Why it failed. */
  code: ErrorCode;
  /** The same for logs; absent if the server sent no sentence. */
  message?: string | undefined;
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
        (accountIds ? null : await outcomeOf(api, await api.flow(flowId), flowId, record)) ??
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
      const finished = raced ? await api.flow(flowId).catch(() => null) : null;
      if (finished?.status === 'connected') return connected(finished, { provider, flowId });
      if (error.retryable && accountIds) throw error;
      const wait = waitAfter(error, attempt);
      // An outage ends with time. An internal error rarely does, and a lost race is decided soon.
      const isOutage = error.retryable && error.code !== 'INTERNAL_ERROR';
      const mayPass = isOutage
        ? Date.now() + wait < record.expiresAt
        : (error.retryable || raced) && attempt < MAX_ATTEMPTS;
      if (!mayPass) return failedWith(error, { provider, flowId, accountId: record.accountId });
      await pause(wait, NEVER);
    }
  }
}

/** What is known about a flow; only the platform if this browser has no record of it. */
type KnownRecord = Pick<FlowRecord, 'provider'> & Partial<FlowRecord>;

interface Subject {
  provider: string;
  flowId: string;
  accountId?: string | undefined;
}

const connected = ({ accountId }: ServerFlow, own: Subject): ConnectedOutcome => ({
  status: 'connected',
  provider: own.provider,
  flowId: own.flowId,
  accountIds: accountId ? [accountId] : [],
});

const failedWith = (
  { code, message, correlationId, retryAfter }: Omit<FailedOutcome, 'status' | 'provider'>,
  own: Subject,
): FailedOutcome => ({ status: 'failed', ...own, code, message, correlationId, retryAfter });

/**
 * Converts the server's state of a flow to an outcome; null while the flow is in progress, or if only the browser that
 * consented may know its accounts and `record` has no receipt.
 */
export async function outcomeOf(
  api: Api,
  flow: ServerFlow,
  flowId: string,
  record: KnownRecord,
): Promise<Outcome | null> {
  const { provider, accountId } = record;
  const own = { provider, flowId, accountId };
  const proofs = proofsOf(record);
  if (flow.status === 'connected') return connected(flow, own);
  if (flow.status === 'error') return explained(api, failedState(flow, own), record);
  if (flow.status !== 'choose') return null;
  const { accounts } = flow.accounts ? flow : proofs ? await api.accounts(flowId, proofs) : {};
  return accounts ? { status: 'choose', provider, flowId, accounts } : null;
}

/** Absent members are never null in the server's responses. */
function failedState(
  { code = CONCEALED, detail, correlationId, retryAfterSeconds }: ServerFlow,
  own: Subject,
) {
  const details = { message: detail, correlationId, retryAfter: retryAfterSeconds };
  return failedWith({ code, ...details } as FailedOutcome, own);
}

/** Returns the proofs of a record; null if it lacks one. */
function proofsOf({ verifier, receipt }: KnownRecord): Proofs | null {
  return verifier && receipt ? { verifier, receipt } : null;
}

/** Whether the server may have more to say to the browser that consented. */
export function isConcealed({ status, code }: Pick<ServerFlow, 'status' | 'code'>): boolean {
  return status === 'error' && (code ?? CONCEALED) === CONCEALED;
}

/** The code that stands for those about an account, which another person may have signed in to. */
const CONCEALED: ErrorCode = 'OAUTH_CALLBACK_ERROR';

/** Returns the failure with what the server tells only the browser that consented. */
async function explained(
  api: Api,
  failed: FailedOutcome,
  record: KnownRecord | null,
): Promise<FailedOutcome> {
  const { flowId, code } = failed;
  const proofs = record && proofsOf(record);
  if (!flowId || !proofs || code !== CONCEALED) return failed;
  const error = await api.finish(flowId, { ...proofs, accountIds: undefined }).then(() => null, asError);
  if (!error?.status || error.code === 'INVALID_STATE') return failed;
  // The reference stays that of the flow.
  return { ...failed, code: error.code, message: error.message, accounts: error.accounts };
}
