/** Asks how far a flow has come: after one second, growing to four, and at once when something has happened. */
import type { Api } from './api.js';
import { asError, type EvergrantError } from './error.js';
import type { ServerFlow } from './types.js';

const FIRST_MS = 1000;
const LONGEST_MS = 4000;
/** The server ends a flow itself; this is for one that forgets to. */
const GRACE_MS = 15_000;

export interface PolledFlow {
  api: Pick<Api, 'flow'>;
  flowId: string;
  /** Milliseconds of the epoch. */
  expiresAt: number;
}

export function createPoller(
  { api, flowId, expiresAt }: PolledFlow,
  onAnswer: (flow: ServerFlow) => unknown,
) {
  let wait = FIRST_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let again = false;
  let stopped = false;
  /** Until then the server wants to be left alone; milliseconds of the epoch. */
  let limit = 0;

  async function ask(): Promise<void> {
    clearTimeout(timer);
    again = asking;
    if (asking) return;
    asking = true;
    const answer = await api.flow(flowId).catch((thrown) => {
      const error = asError(thrown);
      limit = Date.now() + (error.retryAfter ?? 0) * 1000;
      return endOf(error);
    });
    if (answer && !stopped) await onAnswer(isOverdue(answer, expiresAt) ? OVER : answer);
    asking = false;
    if (stopped) return;
    if (again && !isLimited()) return ask();
    timer = setTimeout(() => void ask(), Math.max(wait, limit - Date.now()));
    wait = Math.min(LONGEST_MS, wait * 1.5);
  }

  const isLimited = () => Date.now() < limit;

  timer = setTimeout(() => void ask(), wait);
  return {
    wake(): void {
      wait = FIRST_MS;
      if (!stopped && !isLimited()) void ask();
    },
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const OVER: ServerFlow = { status: 'error', code: 'INVALID_STATE' };

function isOverdue({ status }: ServerFlow, expiresAt: number): boolean {
  return status === 'waiting' && Date.now() > expiresAt + GRACE_MS;
}

/** Only the server ends a flow: that it cannot be reached just now does not. */
function endOf({ code }: EvergrantError): ServerFlow | null {
  if (code === 'FLOW_NOT_FOUND') return OVER;
  return code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' ? { status: 'error', code } : null;
}
