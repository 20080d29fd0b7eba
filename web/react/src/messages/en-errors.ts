import type { ErrorMessages } from './extra-messages.js';

/** The English texts of failures. */
export const enErrors: ErrorMessages = {
  denied: (provider) =>
    `You did not allow access at ${provider}. Nothing was changed. To connect, try again and allow it there.`,
  expired: 'This sign-in has expired or was already completed. Start again.',
  refused: (provider) =>
    `${provider} could not complete the sign-in. Nothing was changed. Try again; if it fails again, sign out of ${provider} first.`,
  alreadyConnected: (provider) =>
    `This ${provider} account belongs to another user here. Disconnect it there, or sign in to ${provider} with another account.`,
  mismatch: (provider) =>
    `You signed in to ${provider} with a different account than the one to reconnect. Nothing was changed. Switch the account at ${provider}, and try again.`,
  mismatchOf: (provider, actual, expected) =>
    `You signed in to ${provider} as ${actual}, but this reconnects ${expected}. Nothing was changed. Switch to ${expected} at ${provider}, and try again.`,
  noAccount: (provider) =>
    `This sign-in includes no ${provider} account that can be connected. Check its type and allow access to it.`,
  notFound: 'This account is no longer connected. Connect it again.',
  reconnect: 'Access has expired. Reconnect this account.',
  offline: 'No response from this site. Check your internet connection, and try again.',
  unreachable: (provider) =>
    `${provider} cannot be reached right now. Your connection is not the cause. Try again in a few minutes.`,
  unavailable: (provider) => `${provider} is not responding properly. Try again in a few minutes.`,
  notRefreshed: (provider) =>
    `${provider} did not refresh the access. The account stays connected. Sign in at ${provider}, confirm what it asks for, and try again.`,
  limited: (provider) =>
    `There are too many requests for ${provider} at the moment. Nothing was changed. Try again in a few minutes.`,
  busy: 'We’re busy right now. Try again shortly.',
  invalid: 'Please check the highlighted fields.',
  signedOut: 'You are signed out. Sign in to this site again.',
  misconfigured: 'Evergrant isn’t configured correctly; contact the site’s administrator.',
  internal: 'Something went wrong on our side. Try again shortly.',
  insecure: 'Connecting requires a secure address. Open this page with https.',
  storage: 'Your browser is blocking site storage. Allow it and try again.',
  otherBrowser:
    'This sign-in was started in another browser. Nothing was connected. Start again in this browser.',
};
