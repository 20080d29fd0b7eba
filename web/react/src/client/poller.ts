/** Asks how far a flow has come: after one second, growing to four, and at once when something has happened. */
import type { Api } from './api.js';
import { asError } from './error.js';
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

  async function ask(): Promise<void> {
    clearTimeout(timer);
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    const answer = await api.flow(flowId).catch(failed);
    if (answer && !stopped) await onAnswer(overdue(answer) ? OVER : answer);
    asking = false;
    if (stopped) return;
    if (again) return ask();
    timer = setTimeout(() => void ask(), wait);
    wait = Math.min(LONGEST_MS, wait * 1.5);
  }

  const overdue = ({ status }: ServerFlow) => status === 'waiting' && Date.now() > expiresAt + GRACE_MS;

  timer = setTimeout(() => void ask(), wait);
  return {
    wake(): void {
      wait = FIRST_MS;
      if (!stopped) void ask();
    },
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const OVER: ServerFlow = { status: 'error', code: 'INVALID_STATE' };

/** Only the server ends a flow: that it cannot be reached just now does not. */
function failed(thrown: unknown): ServerFlow | null {
  const { code } = asError(thrown);
  if (code === 'FLOW_NOT_FOUND') return OVER;
  return code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' ? { status: 'error', code } : null;
}
