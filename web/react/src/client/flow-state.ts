/**
 * How far a flow has come, as a machine without effects. The server ends a flow, never the window; what is connected
 * stays connected, whatever arrives later.
 */
import type { EvergrantError } from './error.js';
import type { Choice, CredentialField, Integration, ProviderId } from './types.js';

interface Of {
  provider: ProviderId;
  /** The account to be reconnected. */
  accountId?: string | undefined;
}

interface Begun extends Of {
  flowId: string;
}

export type FlowState =
  | { step: 'idle' }
  /** The server is asked for an address. */
  | (Of & { step: 'starting' })
  /** This page is about to be left. */
  | (Begun & { step: 'redirecting' })
  /** The user is in the other window. */
  | (Begun & { step: 'waiting' })
  /** The other window seems closed, and it is unknown whether the user had finished. */
  | (Begun & { step: 'unsure' })
  /** One consent reached several accounts. */
  | (Begun & { step: 'choose'; accounts: readonly Choice[]; busy: boolean; error?: EvergrantError })
  /** The account's owner pastes a session. */
  | (Begun & {
      step: 'credentials';
      fields: readonly CredentialField[];
      busy: boolean;
      error?: EvergrantError;
    })
  | (Begun & { step: 'connected'; integrations: readonly Integration[] })
  | (Of & { step: 'failed'; flowId?: string | undefined; error: EvergrantError });

export type FlowStep = FlowState['step'];

export type FlowInput =
  | { type: 'start'; provider: ProviderId; accountId?: string | undefined }
  | { type: 'begun'; step: 'waiting' | 'redirecting'; flowId: string }
  | { type: 'fields'; flowId: string; fields: readonly CredentialField[] }
  | { type: 'closed' | 'reopened' | 'busy'; flowId: string }
  | { type: 'choose'; flowId: string; provider: ProviderId; accounts: readonly Choice[] }
  | { type: 'refused'; flowId: string; error: EvergrantError }
  | { type: 'connected'; flowId: string; provider: ProviderId; integrations: readonly Integration[] }
  | { type: 'failed'; flowId?: string | undefined; provider: ProviderId; error: EvergrantError }
  | { type: 'cancel' }
  | { type: 'dismiss' };

const IDLE: FlowState = { step: 'idle' };

/** What the machine does with an input; the same state where it has nothing to do with it. */
export function nextFlow(state: FlowState, input: FlowInput): FlowState {
  if (input.type === 'start') return { step: 'starting', ...of(input) };
  if (input.type === 'cancel') return isOpen(state) ? IDLE : state;
  if (input.type === 'dismiss') return isOpen(state) ? state : IDLE;
  // `connected` is the end: nothing that arrives later makes it less true.
  if (state.step === 'connected' || !concerns(state, input.flowId)) return state;
  switch (input.type) {
    case 'begun':
      return state.step === 'starting' ? { step: input.step, ...of(state), flowId: input.flowId } : state;
    case 'fields':
      return 'provider' in state
        ? { step: 'credentials', ...of(state), flowId: input.flowId, fields: input.fields, busy: false }
        : state;
    case 'closed':
      return state.step === 'waiting' ? { ...state, step: 'unsure' } : state;
    case 'reopened':
      return state.step === 'unsure' ? { ...state, step: 'waiting' } : state;
    case 'choose':
      return choosing(state, input);
    case 'busy':
      return withoutError(state, true);
    case 'refused': {
      const still = withoutError(state, false);
      return still === state ? state : ({ ...still, error: input.error } as FlowState);
    }
    case 'connected':
      return {
        step: 'connected',
        ...of(input, state),
        flowId: input.flowId,
        integrations: input.integrations,
      };
    case 'failed':
      return { step: 'failed', ...of(input, state), flowId: input.flowId, error: input.error };
  }
}

/** Whether it still goes on. */
export function isOpen(state: FlowState): boolean {
  return state.step !== 'idle' && state.step !== 'connected' && state.step !== 'failed';
}

/** A flow that is under way hears of itself alone; a page that has just been loaded hears of the one that came back. */
function concerns(state: FlowState, flowId: string | undefined): boolean {
  const own = 'flowId' in state ? state.flowId : undefined;
  return own === undefined || flowId === undefined || own === flowId;
}

function choosing(state: FlowState, input: FlowInput & { type: 'choose' }): FlowState {
  if (state.step === 'choose' || state.step === 'failed') return state;
  return { step: 'choose', ...of(input, state), flowId: input.flowId, accounts: input.accounts, busy: false };
}

function withoutError(state: FlowState, busy: boolean): FlowState {
  if (state.step !== 'choose' && state.step !== 'credentials') return state;
  const { error: _error, ...rest } = state;
  return { ...rest, busy };
}

function of({ provider, accountId }: Of, state?: FlowState): Of {
  return { provider, accountId: accountId ?? (state && 'accountId' in state ? state.accountId : undefined) };
}
