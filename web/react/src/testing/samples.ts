import type { CredentialField, Integration, Provider } from '../client/types.js';

const scope = (id: string, label: string, required = false) => ({ id, label, required });

function sampleProvider(provider: string, name: string, rest: Partial<Provider>): Provider {
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
  return { name, label, secret: true, required: true, help: 'The cookie of this name.', ...rest };
}

/** A catalogue of four platforms, as the server sends it. */
export const sampleProviders: readonly Provider[] = [
  sampleProvider('instagram', 'Instagram', {
    accountType: 'Instagram Business',
    signInWith: 'Facebook',
    accountSummary: 'Via Facebook, for professional accounts linked to a Facebook Page',
    accountHelp:
      'In the Instagram app, open Settings, then Account type and tools, and choose Switch to professional account. Link the account to a Facebook Page that you manage, allow access to that Page, and try again.',
    accountHelpUrl: 'https://help.instagram.com/502981923235522',
    multiAccount: true,
    scopes: [
      scope('instagram_basic', 'See your profile and posts', true),
      scope('instagram_manage_insights', 'See your statistics'),
      scope('pages_show_list', 'See your Facebook Pages', true),
    ],
  }),
  sampleProvider('tiktok', 'TikTok', {
    accountType: 'TikTok Creator',
    scopes: [
      scope('user.info.basic', 'See your name and picture', true),
      scope('user.info.stats', 'See your statistics'),
      scope('video.list', 'See your public videos'),
    ],
  }),
  sampleProvider('reddit', 'Reddit', {
    accountType: 'Reddit User',
    scopes: [
      scope('identity', 'See your name and karma', true),
      scope('read', 'Read content you can access'),
      scope('history', 'See your posts and comments'),
    ],
  }),
  sampleProvider('onlyfans', 'OnlyFans', {
    kind: 'cookies',
    accountType: 'OnlyFans Creator',
    capabilities: ['profile'],
    sessionSite: { signInUrl: 'https://onlyfans.com/', domains: ['onlyfans.com'] },
    fields: [
      field('pasted', 'Copied request', { required: false, help: 'Paste a copied request here.' }),
      field('sess', 'sess', {}),
      field('auth_id', 'auth_id', { secret: false, help: 'The cookie of this name: your account’s number.' }),
      field('user_agent', 'User-Agent', {
        secret: false,
        help: 'The header of this name; the session is bound to the browser.',
      }),
      field('x_bc', 'x-bc', { help: 'The header of this name.' }),
      field('auth_uid_', 'auth_uid_', { required: false, help: 'The cookie of this name, if there is one.' }),
    ],
  }),
];

/** The id of the last account that was created without one. */
let last = 0;

/** Creates a connected account. Pass the members that matter to your test; the others have plausible values. */
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
    remarks: [],
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
