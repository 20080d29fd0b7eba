/** Ends a flow whose consent came back to this browser: by the verifier, which it kept, and the receipt, which it got. */
import type { Api } from './api.js';
import { backoff } from './backoff.js';
import { asError, type ErrorCode } from './error.js';
import type { FlowRecord, FlowRecords } from './flow-records.js';
import { pause } from './pause.js';
import type { Choice } from './types.js';

/** What came of a flow; plain data, so that it can wait in storage for another page. */
export type Outcome =
  | { status: 'connected'; provider: string; flowId: string; accountIds: readonly string[] }
  | { status: 'choose'; provider: string; flowId: string; accounts: readonly Choice[] }
  | { status: 'failed'; provider: string; flowId?: string; code: ErrorCode; correlationId?: string }
  | { status: 'cancelled'; provider: string; flowId: string };

const TRIES = 4;
const NEVER = new AbortController().signal;

/** Safe to call twice: a flow that is finished already is told as such. */
export async function completeFlow(
  api: Api,
  records: FlowRecords,
  flowId: string,
  record: FlowRecord,
  accountIds?: readonly string[],
): Promise<Outcome> {
  const { provider, verifier, receipt } = record;
  if (!verifier || !receipt) return { status: 'cancelled', provider, flowId };
  for (let attempt = 1; ; attempt++) {
    try {
      const body = { verifier, receipt, ...(accountIds ? { accountIds } : {}) };
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
      const { code, correlationId, retryable } = asError(thrown);
      // Another of our pages may have finished it, or be about to.
      const raced = code === 'INVALID_STATE';
      const finished = raced ? await standing(api, flowId, provider).catch(() => null) : null;
      if (finished?.status === 'connected') return finished;
      if ((retryable || raced) && attempt < TRIES) await pause(backoff(attempt), NEVER);
      else return { status: 'failed', provider, flowId, code, ...(correlationId ? { correlationId } : {}) };
    }
  }
}

/** How the flow stands where finishing it is not what is needed; null where it is. */
async function standing(api: Api, flowId: string, provider: string): Promise<Outcome | null> {
  const flow = await api.flow(flowId);
  if (flow.status === 'choose') return { status: 'choose', provider, flowId, accounts: flow.accounts ?? [] };
  if (flow.status === 'error') {
    return { status: 'failed', provider, flowId, code: (flow.code ?? 'OAUTH_CALLBACK_ERROR') as ErrorCode };
  }
  if (flow.status !== 'connected') return null;
  return { status: 'connected', provider, flowId, accountIds: flow.accountId ? [flow.accountId] : [] };
}
