import type { CredentialField, Integration, Provider } from '../client/types.js';

const scope = (id: string, label: string, required = false) => ({ id, label, required });

function platform(provider: string, name: string, rest: Partial<Provider>): Provider {
  return {
    provider,
    name,
    kind: 'oauth2',
    accountType: name,
    tokenType: 'Short-lived with refresh token',
    configured: true,
    multiAccount: false,
    capabilities: ['refresh', 'revoke', 'profile'],
    scopes: [],
    ...rest,
  };
}

function field(name: string, label: string, rest: Partial<CredentialField>): CredentialField {
  return { name, label, secret: true, required: true, help: 'The cookie of that name.', ...rest };
}

/** Four platforms as the server lists them. */
export const sampleProviders: readonly Provider[] = [
  platform('instagram', 'Instagram', {
    accountType: 'Instagram Business',
    signInWith: 'Facebook',
    multiAccount: true,
    scopes: [
      scope('instagram_basic', 'See your profile and posts', true),
      scope('instagram_manage_insights', 'See your statistics'),
      scope('pages_show_list', 'See your Facebook Pages', true),
    ],
  }),
  platform('tiktok', 'TikTok', {
    accountType: 'TikTok Creator',
    scopes: [
      scope('user.info.basic', 'See your name and picture', true),
      scope('user.info.stats', 'See your figures'),
      scope('video.list', 'See your public videos'),
    ],
  }),
  platform('reddit', 'Reddit', {
    accountType: 'Reddit User',
    scopes: [
      scope('identity', 'See your name and karma', true),
      scope('read', 'Read as you do'),
      scope('history', 'See your posts and comments'),
    ],
  }),
  platform('onlyfans', 'OnlyFans', {
    kind: 'cookies',
    accountType: 'OnlyFans Creator',
    capabilities: ['profile'],
    fields: [
      field('pasted', 'Copied request', { required: false, help: 'Paste a copied request here.' }),
      field('sess', 'sess', {}),
      field('auth_id', 'auth_id', { secret: false, help: 'The cookie of that name: your account’s number.' }),
      field('user_agent', 'User-Agent', {
        secret: false,
        help: 'The header of that name; the session is tied to the browser.',
      }),
      field('x_bc', 'x-bc', { help: 'The header of that name.' }),
      field('auth_uid_', 'auth_uid_', { required: false, help: 'The cookie of that name, if there is one.' }),
    ],
  }),
];

let last = 0;

/** A connected account; give it what matters to your test. */
export function sampleIntegration(change: Partial<Integration> = {}): Integration {
  const id = change.id ?? ++last;
  const status = change.status ?? 'connected';
  return {
    id,
    provider: 'reddit',
    providerAccountId: `account-${id}`,
    isConnected: status === 'connected' || status === 'expiring',
    status,
    username: 'juniper_vale',
    displayName: 'Juniper Vale',
    scope: 'identity read history',
    missingScopes: [],
    expiresAt: '2030-01-01T12:00:00.000Z',
    metadata: {},
    createdAt: '2029-11-01T12:00:00.000Z',
    updatedAt: '2030-01-01T10:00:00.000Z',
    lastRefreshedAt: '2030-01-01T10:00:00.000Z',
    nextRefreshAt: '2030-01-01T11:55:00.000Z',
    ...change,
  };
}
