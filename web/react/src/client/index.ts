/** `@evergrant/react/client`: the client without a framework. */
export { createClient } from './client.js';
export type {
  ClientEvent,
  ClientOptions,
  DisconnectOptions,
  DisconnectResult,
  EvergrantClient,
  RefreshResult,
} from './client-types.js';
export { EvergrantError } from './error.js';
export type { ClientErrorCode, ErrorCode, ServerErrorCode } from './error.js';
export type { AccountEvent, FlowEvent, ServerEvent, StreamEvent } from './events.js';
export type { ConnectOptions, ConnectResult } from './flow-options.js';
export type { FlowState, FlowStep } from './flow-state.js';
export type { InitialStatus, Live, Snapshot } from './snapshot.js';
export type {
  Choice,
  CredentialField,
  Integration,
  IntegrationStatus,
  Provider,
  ProviderId,
  ProviderIntegrations,
  Remark,
  Revocation,
  Scope,
  SessionSite,
  StatusReason,
  StatusSnapshot,
} from './types.js';
export { inAppBrowser } from './in-app.js';
