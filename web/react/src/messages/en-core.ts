import type { CoreMessages } from './core-messages.js';

/** The English messages that are part of the first download. */
export const enCore: CoreMessages = {
  locale: 'en',
  dir: 'ltr',
  page: {
    title: 'Integrations',
    intro: 'Connect the accounts you want to use here. You can disconnect them at any time.',
    search: 'Search platforms',
    nothingFound: (query) => `No platform matches “${query}”.`,
    empty: 'No platforms are available yet.',
    loading: 'Loading your accounts',
  },
  card: {
    connect: 'Connect',
    connectTo: (provider) => `Connect ${provider}`,
    connectAnother: 'Connect another account',
    connecting: 'Connecting…',
    tryAgain: 'Try again',
    via: (name) => `Via ${name}`,
    browserSession: 'Uses a browser session',
    notConfigured: 'Not set up',
    permissions: (granted, total) =>
      granted === null || granted === total ? `Permissions` : `Permissions, ${granted} of ${total}`,
    granted: (permission) => `${permission}, granted`,
    notGranted: (permission) => `${permission}, not granted`,
  },
  status: {
    connected: 'Connected',
    limited: 'Permission missing',
    expiring: 'Expires soon',
    expired: 'Reconnect required',
    error: 'Temporarily unavailable',
    none: 'Not connected',
    refreshing: 'Refreshing',
  },
  reasons: {
    revoked: (provider) => `You revoked access at ${provider}.`,
    refused: (provider) => `${provider} requires you to sign in again.`,
    sessionEnded: 'The session has expired.',
    refreshLost: 'The last refresh was interrupted. Reconnect to restore access.',
    unavailable: (provider, next) =>
      `${provider} is not responding. ${next ? `Next attempt ${next}` : 'We keep trying'}; you do not need to reconnect.`,
    actionNeeded: (provider) => `${provider} needs you to confirm something there first.`,
    internal: 'Something went wrong on our side. You do not need to reconnect.',
    scopes: (labels) => `Not granted: ${labels}.`,
    unverified: 'This session has not been verified yet.',
    expiring: (when) => `Expires ${when ?? 'soon'}. Reconnect to keep access.`,
  },
  account: {
    actions: (name) => `Actions for ${name}`,
    actionFor: (action, name) => `${action}: ${name}`,
    reconnect: 'Reconnect',
    allow: 'Grant access',
    refresh: 'Refresh now',
    retry: 'Retry now',
    copyReference: 'Copy reference',
    copied: 'Copied.',
    disconnect: 'Disconnect…',
    refreshed: (when) => `Refreshed ${when}`,
    connected: (when) => `Connected ${when}`,
    nextRefresh: (when) => `next refresh ${when}`,
  },
  banner: {
    one: (name, provider) => `${name} on ${provider} needs to be reconnected.`,
    several: (count) => `${count} accounts need to be reconnected.`,
    start: (name) => `Reconnect ${name}`,
  },
  switcher: {
    label: 'Account',
    choose: 'Choose an account',
    all: 'All accounts',
    none: 'No accounts connected',
  },
  outage: {
    stale: (when) =>
      `Connection lost. ${when ? `Showing data from ${when}` : 'The data may be out of date'}.`,
    failed: 'Your accounts could not be loaded.',
    nextTry: (left) => `Retrying in ${left}`,
    retry: 'Retry now',
  },
  inApp: {
    text: 'This app’s built-in browser cannot connect accounts. Open this page in your usual browser.',
    copyLink: 'Copy link',
  },
};
