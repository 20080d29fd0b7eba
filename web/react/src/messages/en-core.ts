import type { CoreMessages } from './types.js';

export const enCore: CoreMessages = {
  locale: 'en',
  dir: 'ltr',
  page: {
    title: 'Integrations',
    intro: 'Connect the accounts you want to use here. You can disconnect any of them at any time.',
    search: 'Search platforms',
    nothingFound: (query) => `No platform is called “${query}”.`,
    empty: 'There is no platform to connect yet.',
    loading: 'Loading your accounts',
  },
  card: {
    connect: 'Connect',
    connectTo: (provider) => `Connect ${provider}`,
    connectAnother: 'Connect another account',
    connecting: 'Connecting…',
    tryAgain: 'Try again',
    through: (name) => `Through ${name}`,
    session: 'Uses a session of your browser',
    notSetUp: 'Not set up',
    permissions: (granted, total) =>
      granted === null || granted === total ? `Permissions` : `Permissions, ${granted} of ${total}`,
    granted: (permission) => `${permission}, allowed`,
    notGranted: (permission) => `${permission}, not allowed`,
  },
  status: {
    connected: 'Connected',
    expiring: 'Ends soon',
    expired: 'Needs you',
    error: 'Interrupted',
    none: 'Not connected',
    renewing: 'Renewing',
  },
  reasons: {
    revoked: (provider) => `Access was withdrawn at ${provider}.`,
    refused: (provider) => `${provider} asks you to sign in again.`,
    ended: 'The session has ended.',
    lost: 'The last renewal was cut off on its way.',
    unavailable: (provider, next) =>
      `${provider} is not answering. Nothing is lost${next ? `; next try ${next}` : ''}.`,
    actionNeeded: (provider) => `${provider} wants you to confirm something there first.`,
    ours: 'Something is wrong on our side. Nothing is lost.',
    scopes: (labels) => `Not allowed: ${labels}.`,
    unverified: 'This session could not be checked yet.',
    expiring: (when) => `Ends ${when ?? 'soon'}, and only you can renew it.`,
  },
  account: {
    actions: (name) => `Actions for ${name}`,
    doFor: (action, name) => `${action}: ${name}`,
    reconnect: 'Reconnect',
    allow: 'Allow it',
    tryNow: 'Try now',
    copyReference: 'Copy reference',
    copied: 'Copied.',
  },
  banner: {
    one: (name, provider) => `${name} on ${provider} needs you.`,
    several: (count) => `${count} accounts need you.`,
    start: (name) => `Reconnect ${name}`,
  },
  switcher: {
    label: 'Account',
    choose: 'Choose an account',
    all: 'All accounts',
    none: 'No account is connected',
  },
};
