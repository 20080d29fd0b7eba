/**
 * The types of the server's responses, from its OpenAPI document. What the document leaves open, such as the values of
 * `status` and the form of `metadata`, is narrowed here.
 */
import type { components } from './generated.js';

type Schemas = components['schemas'];

/** A platform's name in routes, such as `reddit`. Operators may add platforms, so any string is allowed. */
export type ProviderId = 'instagram' | 'instagram-login' | 'tiktok' | 'reddit' | 'onlyfans' | (string & {});

/**
 * The status of a connected account:
 *
 * - `connected`: its token is valid or is refreshed automatically.
 * - `expiring`: access expires soon and cannot be refreshed automatically.
 * - `expired`: the user must reconnect it.
 * - `error`: the platform or Evergrant has a failure; the connection is kept and retried.
 */
export type IntegrationStatus = 'connected' | 'expiring' | 'expired' | 'error';

/** The reason for an account's status. New reasons may be added; treat unknown ones like an absent reason. */
export type StatusReason =
  | 'REVOKED_BY_USER'
  | 'REFRESH_TOKEN_INVALID'
  | 'SESSION_ENDED'
  | 'LOST_IN_FLIGHT'
  | 'PROVIDER_UNAVAILABLE'
  | 'USER_ACTION_AT_PLATFORM'
  | 'DECRYPTION_ERROR'
  | 'SCOPE_MISSING'
  | 'UNVERIFIED'
  | 'REFRESH_RETRYING'
  | (string & {});

/** What to know about an account that works. New remarks may be added; ignore unknown ones. */
export type Remark = 'SCOPE_MISSING' | 'UNVERIFIED' | 'REFRESH_RETRYING' | (string & {});

interface WithAvatar {
  /** The picture's URL on the Evergrant server: absolute, or a path from its root. Absent if there is none. */
  avatarUrl?: string | null;
}

interface IntegrationDetails extends WithAvatar {
  /** The account's status. */
  status: IntegrationStatus;
  /** The reason for the status, or the first remark; absent if there is none. */
  statusReason?: StatusReason | null;
  /** What to know about an account that works, the most important first; empty for `expired` and `error`. */
  remarks: readonly Remark[];
  /** What the platform reports about the account, by the names of its catalogue entry. */
  metadata: Readonly<Record<string, unknown>>;
}

/** A connected account. Parameters named `accountId` take its `providerAccountId`. */
export type Integration = Omit<Schemas['Integration'], keyof IntegrationDetails> & IntegrationDetails;

/** The response of `GET /api/integrations/status`. */
export interface StatusSnapshot {
  /** The user's version, which increases with every change. */
  version: number;
  /** The connected accounts, in the order in which they were connected. */
  integrations: readonly Integration[];
}

/** A permission that a platform grants, with a label for users. */
export type Scope = Schemas['Scope'];

/** A value that the user provides at a platform without a consent page. */
export type CredentialField = Schemas['CredentialField'];

/** The site whose sessions a platform without a consent page accepts. */
export type SessionSite = Schemas['SessionSite'];

interface ProviderDetails {
  /** How accounts are connected: through a consent page (`oauth2`) or with a session from the browser (`cookies`). */
  kind: 'oauth2' | 'cookies';
}

/** A platform in the catalogue. */
export type Provider = Omit<Schemas['Provider'], keyof ProviderDetails> & ProviderDetails;

interface WithIntegrations {
  /** The user's connected accounts at the platform. */
  integrations: readonly Integration[];
}

/** A platform with the user's connected accounts. */
export type ProviderIntegrations = Provider & WithIntegrations;

/** One of several accounts that a consent covers. */
export type Choice = Omit<Schemas['SelectableAccount'], keyof WithAvatar> & WithAvatar;

interface FlowDetails {
  /**
   * `waiting`: the user is at the platform. `pending`: the consent has returned and must be finished. `choose`: it covers
   * several accounts. `connected` and `error`: the flow has ended.
   */
  status: 'waiting' | 'pending' | 'choose' | 'connected' | 'error';
  /** The accounts to choose from, with `choose`. */
  accounts?: readonly Choice[];
}

/** The response of `GET /api/integrations/flows/{flowId}`. */
export type ServerFlow = Omit<Schemas['FlowState'], keyof FlowDetails> & FlowDetails;

/** The response of `POST /api/integrations/connect/{provider}`. */
export type StartedFlow = Schemas['StartedFlow'];

/**
 * What happened to the grant at the platform: `revoked`; `pending`, while Evergrant retries for a day; `unsupported` by
 * the platform; `kept`, because other connections use it.
 */
export type Revocation = 'revoked' | 'pending' | 'unsupported' | 'kept';

interface DisconnectedDetails {
  /** What happened to the grant at the platform. */
  revocation: Revocation;
}

/** The response of `DELETE /api/integrations/disconnect/{provider}/{accountId}`. */
export type Disconnected = Omit<Schemas['Disconnected'], keyof DisconnectedDetails> & DisconnectedDetails;

/** The response of `POST /api/integrations/refresh/{provider}/{accountId}`. */
export type Refreshed = Schemas['Refreshed'];
