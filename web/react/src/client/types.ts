/**
 * What the server says, in the words of its OpenAPI document; only what that document leaves open (the words of
 * `status`, the shape of `metadata`) is narrowed here.
 */
import type { components } from './generated.js';

type Schemas = components['schemas'];

/** A platform's name in routes, such as `reddit`; an operator may have platforms of their own. */
export type ProviderId = 'instagram' | 'instagram-login' | 'tiktok' | 'reddit' | 'onlyfans' | (string & {});

/**
 * How a connected account stands. `expiring` only where automatic renewal will not do it; `expired` needs the user;
 * `error` is the platform's trouble or ours, and nothing is lost.
 */
export type IntegrationStatus = 'connected' | 'expiring' | 'expired' | 'error';

/** Why it stands so. New reasons may come; an unknown one is no error. */
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

/** A picture's address on the Evergrant server, absolute or from its root; absent where there is none. */
interface Pictured {
  avatarUrl?: string | null;
}

/** One connected account. `accountId` in every call of this package means its `providerAccountId`. */
export type Integration = Omit<Schemas['Integration'], 'status' | 'statusReason' | 'metadata' | 'avatarUrl'> &
  Pictured & {
    status: IntegrationStatus;
    statusReason?: StatusReason | null;
    metadata: Readonly<Record<string, unknown>>;
  };

/** The body of `GET /api/integrations/status`. */
export interface StatusSnapshot {
  version: number;
  integrations: readonly Integration[];
}

export type Scope = Schemas['Scope'];

/** What an account's owner fills in, at a platform without a consent page. */
export type CredentialField = Schemas['CredentialField'];

/** A platform of the catalogue. */
export type Provider = Omit<Schemas['Provider'], 'kind'> & { kind: 'oauth2' | 'cookies' };

/** A platform with the accounts that are connected to it. */
export type ProviderIntegrations = Provider & { integrations: readonly Integration[] };

/** An account that one consent reached, where it reached several. */
export type Choice = Omit<Schemas['Choice'], 'avatarUrl'> & Pictured;

/** The body of `GET /api/integrations/flows/{flowId}`. */
export type ServerFlow = Omit<Schemas['FlowState'], 'status' | 'accounts'> & {
  status: 'starting' | 'waiting' | 'pending' | 'choose' | 'connected' | 'error';
  accounts?: readonly Choice[];
};

export type StartedFlow = Schemas['Started'];

/** What became of the grant at the platform. */
export type Revocation = 'revoked' | 'pending' | 'unsupported' | 'kept';

export type Disconnected = Omit<Schemas['Disconnected'], 'revocation'> & { revocation: Revocation };

export type Refreshed = Schemas['Refreshed'];
