/**
 * The state machine of a flow, without side effects. The server ends a flow, never its window. A flow that is connected
 * stays connected, whatever input follows.
 */
import type { EvergrantError } from './error.js';
import type { Choice, CredentialField, Integration, ProviderId } from './types.js';

interface FlowSubject {
  /** The platform. */
  provider: ProviderId;
  /** The account to reconnect; undefined for a new connection. */
  accountId?: string | undefined;
}

interface StartedFlowState extends FlowSubject {
  /** The flow's id. */
  flowId: string;
}

/** There is no flow. */
export interface IdleFlow {
  step: 'idle';
}

/** The flow is being created at the server. */
export interface StartingFlow extends FlowSubject {
  step: 'starting';
}

/** This page is navigating to the consent page. */
export interface RedirectingFlow extends StartedFlowState {
  step: 'redirecting';
}

/** The user is in the consent window. */
export interface WaitingFlow extends StartedFlowState {
  step: 'waiting';
}

/** The consent window seems to be closed, and it is unknown whether the user had finished. */
export interface UnsureFlow extends StartedFlowState {
  step: 'unsure';
}

/** The consent covers several accounts, and the user must choose. */
export interface ChooseFlow extends StartedFlowState {
  step: 'choose';
  /** The accounts to choose from. */
  accounts: readonly Choice[];
  /** Whether a selection is being submitted. */
  busy: boolean;
  /** Why the last submission failed; absent if it did not. */
  error?: EvergrantError;
}

/** The user must provide the credentials of a session, at a platform without a consent page. */
export interface CredentialsFlow extends StartedFlowState {
  step: 'credentials';
  /** The values to provide. */
  fields: readonly CredentialField[];
  /** Whether credentials are being submitted. */
  busy: boolean;
  /** Why the last submission failed; absent if it did not. */
  error?: EvergrantError;
}

/** The flow has ended: the accounts are connected. */
export interface ConnectedFlow extends StartedFlowState {
  step: 'connected';
  /** The connected accounts. */
  integrations: readonly Integration[];
}

/** The flow has ended: it failed. */
export interface FailedFlow extends FlowSubject {
  step: 'failed';
  /** The flow's id; absent if it failed before it was created. */
  flowId?: string | undefined;
  /** Why it failed. */
  error: EvergrantError;
}

/** The state of the current flow. */
export type FlowState =
  | IdleFlow
  | StartingFlow
  | RedirectingFlow
  | WaitingFlow
  | UnsureFlow
  | ChooseFlow
  | CredentialsFlow
  | ConnectedFlow
  | FailedFlow;

/** The name of a flow's state. */
export type FlowStep = FlowState['step'];

/** The inputs of the state machine. */
export type FlowInput =
  /** `connect` was called. */
  | { type: 'start'; provider: ProviderId; accountId?: string | undefined }
  /** The server has created the flow, and the consent page is being opened. */
  | { type: 'started'; step: 'waiting' | 'redirecting'; flowId: string }
  /** The server has created a flow that needs credentials. */
  | { type: 'fields'; flowId: string; fields: readonly CredentialField[] }
  /** The window was closed or opened again, or a dialog was submitted. */
  | { type: 'closed' | 'reopened' | 'busy'; flowId: string }
  /** The user must choose among several accounts. */
  | { type: 'choose'; flowId: string; provider: ProviderId; accounts: readonly Choice[] }
  /** The submission of a dialog failed; the user may try again. */
  | { type: 'rejected'; flowId: string; error: EvergrantError }
  /** The flow has ended as connected. */
  | { type: 'connected'; flowId: string; provider: ProviderId; integrations: readonly Integration[] }
  /** The flow has ended as failed. */
  | {
      type: 'failed';
      flowId?: string | undefined;
      provider: ProviderId;
      accountId?: string | undefined;
      error: EvergrantError;
    }
  /** The flow is cancelled; ignored if it has ended. */
  | { type: 'cancel' }
  /** A flow that has ended is reset; ignored if it is in progress. */
  | { type: 'dismiss' };

const IDLE: FlowState = { step: 'idle' };

/** Returns the state after `input`; the same object if the input does not apply. */
export function nextFlow(state: FlowState, input: FlowInput): FlowState {
  if (input.type === 'start') return { step: 'starting', ...subjectOf(input) };
  if (input.type === 'cancel') return isOpen(state) ? IDLE : state;
  if (input.type === 'dismiss') return isOpen(state) ? state : IDLE;
  // `connected` is final: later inputs do not change it.
  if (state.step === 'connected' || !concerns(state, input.flowId)) return state;
  switch (input.type) {
    case 'started':
      return state.step === 'starting'
        ? { step: input.step, ...subjectOf(state), flowId: input.flowId }
        : state;
    case 'fields':
      return toCredentials(state, input);
    case 'closed':
      return state.step === 'waiting' ? { ...state, step: 'unsure' } : state;
    case 'reopened':
      return state.step === 'unsure' ? { ...state, step: 'waiting' } : state;
    case 'choose':
      return toChoose(state, input);
    case 'busy':
      return withoutError(state, true);
    case 'rejected': {
      const open = withoutError(state, false);
      return open === state ? state : ({ ...open, error: input.error } as FlowState);
    }
    case 'connected':
      return {
        step: 'connected',
        ...subjectOf(input, state),
        flowId: input.flowId,
        integrations: input.integrations,
      };
    case 'failed':
      return { step: 'failed', ...subjectOf(input, state), flowId: input.flowId, error: input.error };
  }
}

/** Whether the flow is in progress. */
export function isOpen(state: FlowState): boolean {
  return state.step !== 'idle' && state.step !== 'connected' && state.step !== 'failed';
}

/**
 * Whether an input for `flowId` applies to the state. A flow accepts only its own inputs; a state without a flow id, as
 * on a page that has just been loaded, accepts those of the flow that returned.
 */
function concerns(state: FlowState, flowId: string | undefined): boolean {
  const own = 'flowId' in state ? state.flowId : undefined;
  return own === undefined || flowId === undefined || own === flowId;
}

function toCredentials(state: FlowState, input: FlowInput & { type: 'fields' }): FlowState {
  if (!('provider' in state)) return state;
  return {
    step: 'credentials',
    ...subjectOf(state),
    flowId: input.flowId,
    fields: input.fields,
    busy: false,
  };
}

function toChoose(state: FlowState, input: FlowInput & { type: 'choose' }): FlowState {
  if (state.step === 'choose' || state.step === 'failed') return state;
  return {
    step: 'choose',
    ...subjectOf(input, state),
    flowId: input.flowId,
    accounts: input.accounts,
    busy: false,
  };
}

/** Returns a state with a dialog without its error; other states are returned unchanged. */
function withoutError(state: FlowState, busy: boolean): FlowState {
  if (state.step !== 'choose' && state.step !== 'credentials') return state;
  const { error: _error, ...rest } = state;
  return { ...rest, busy };
}

function subjectOf({ provider, accountId }: FlowSubject, state?: FlowState): FlowSubject {
  return { provider, accountId: accountId ?? (state && 'accountId' in state ? state.accountId : undefined) };
}
