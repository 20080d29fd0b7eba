/** Ends a flow whose consent came back to this browser: by the verifier, which it kept, and the receipt, which it got. */
import type { Api } from './api.js';
import { waitAfter } from './backoff.js';
import { asError, type ErrorCode, type ErrorDetails } from './error.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import { pause } from './pause.js';
import type { Choice, ServerFlow } from './types.js';

/** What came of a flow; plain data, so that it can wait in storage for another page. */
export type Outcome =
  | { status: 'connected'; provider: string; flowId: string; accountIds: readonly string[] }
  | { status: 'choose'; provider: string; flowId: string; accounts: readonly Choice[] }
  | (Pick<ErrorDetails, 'correlationId' | 'retryAfter'> & {
      status: 'failed';
      provider: string;
      flowId?: string | undefined;
      code: ErrorCode;
    })
  | { status: 'cancelled'; provider: string; flowId: string };

const TRIES = 4;
const NEVER = new AbortController().signal;

/**
 * Safe to call twice: a flow that is finished already is told as such. It is tried for as long as the flow lives; where
 * accounts were chosen, a failure that may pass is thrown, since whoever chose is here to try again.
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
    // Where another of our pages has ended it, there is no note of it; where it was cancelled, one without a verifier.
    const isWanted = (records.read(flowId) ?? record).verifier;
    if (!isWanted || !verifier || !receipt) return { status: 'cancelled', provider, flowId };
    try {
      const body = { verifier, receipt, accountIds };
      const outcome =
        (accountIds ? null : await standing(api, flowId, provider)) ??
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
      // Another of our pages may have finished it, or be about to.
      const raced = error.code === 'INVALID_STATE';
      const finished = raced ? await standing(api, flowId, provider).catch(() => null) : null;
      if (finished?.status === 'connected') return finished;
      if (error.retryable && accountIds) throw error;
      const wait = waitAfter(error, attempt);
      // Waiting mends an outage; a fault of the server hardly, and a lost race soon or never.
      const isOutage = error.retryable && error.code !== 'INTERNAL_ERROR';
      const mayPass = isOutage
        ? Date.now() + wait < record.expiresAt
        : (error.retryable || raced) && attempt < TRIES;
      const { code, correlationId, retryAfter } = error;
      if (!mayPass) return { status: 'failed', provider, flowId, code, correlationId, retryAfter };
      await pause(wait, NEVER);
    }
  }
}

/** How the flow stands where finishing it is not what is needed; null where it is. */
async function standing(api: Api, flowId: string, provider: string): Promise<Outcome | null> {
  return outcomeOf(await api.flow(flowId), provider, flowId);
}

/** What the server says came of a flow; null while nothing has. */
export function outcomeOf(flow: ServerFlow, provider: string, flowId: string): Outcome | null {
  const { status, accountId, accounts = [] } = flow;
  const own = { provider, flowId };
  if (status === 'choose') return { status, ...own, accounts };
  if (status === 'connected') return { status, ...own, accountIds: accountId ? [accountId] : [] };
  if (status !== 'error') return null;
  return { status: 'failed', ...own, code: (flow.code ?? 'OAUTH_CALLBACK_ERROR') as ErrorCode };
}
