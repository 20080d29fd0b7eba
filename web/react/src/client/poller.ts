/** Polls the state of a flow, and reads it at once when something has happened. */
import type { Api } from './api.js';
import { asError, type EvergrantError } from './error.js';
import type { ServerFlow } from './types.js';

/** The first interval; each further one is 1.5 times as long. */
const FIRST_MS = 1000;
/** The longest interval. */
const LONGEST_MS = 4000;
/** How long after its expiry a flow counts as expired even if the server still reports it as waiting. */
const GRACE_MS = 15_000;

/** The flow to poll. */
export interface PolledFlow {
  /** The route to call. */
  api: Pick<Api, 'flow'>;
  /** The flow's id. */
  flowId: string;
  /** When the flow expires, in milliseconds since the epoch. */
  expiresAt: number;
}

/** Starts to poll a flow. `onState` receives each state; the next read waits until it has settled. */
export function createPoller({ api, flowId, expiresAt }: PolledFlow, onState: (flow: ServerFlow) => unknown) {
  let wait = FIRST_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  let again = false;
  let stopped = false;
  /** Until when no request may be sent, from `Retry-After`, in milliseconds since the epoch. */
  let limit = 0;

  async function read(): Promise<void> {
    clearTimeout(timer);
    again = isReading;
    if (isReading) return;
    isReading = true;
    const flow = await api.flow(flowId).catch((thrown) => {
      const error = asError(thrown);
      limit = Date.now() + (error.retryAfter ?? 0) * 1000;
      return finalState(error);
    });
    if (flow && !stopped) await onState(isOverdue(flow, expiresAt) ? EXPIRED : flow);
    isReading = false;
    if (stopped) return;
    if (again && !isLimited()) return read();
    timer = setTimeout(() => void read(), Math.max(wait, limit - Date.now()));
    wait = Math.min(LONGEST_MS, wait * 1.5);
  }

  const isLimited = () => Date.now() < limit;

  timer = setTimeout(() => void read(), wait);
  return {
    wake(): void {
      wait = FIRST_MS;
      if (!stopped && !isLimited()) void read();
    },
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const EXPIRED: ServerFlow = { status: 'error', code: 'INVALID_STATE' };

function isOverdue({ status }: ServerFlow, expiresAt: number): boolean {
  return status === 'waiting' && Date.now() > expiresAt + GRACE_MS;
}

/** Returns the final state that a failed read implies; null if polling continues, as during an outage. */
function finalState({ code }: EvergrantError): ServerFlow | null {
  if (code === 'FLOW_NOT_FOUND') return EXPIRED;
  return code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' ? { status: 'error', code } : null;
}
