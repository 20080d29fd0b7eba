import type { ExtraMessages } from './types.js';

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

export const enExtra: ExtraMessages = {
  outage: {
    stale: (when) => `The connection is lost. What you see ${when ? `is from ${when}` : 'may be old'}.`,
    failed: 'Your accounts could not be loaded.',
    nextTry: (seconds) => `Next try in ${seconds}`,
    tryNow: 'Try now',
  },
  inApp: {
    text: 'This app’s own browser cannot be used to connect. Open this page in your browser.',
    copyLink: 'Copy link',
  },
  flow: {
    starting: (provider) => `Opening ${provider}…`,
    waiting: 'Finish in the window that just opened.',
    unsure: 'Did the window close before you finished?',
    reopen: 'Open it again',
    cancel: 'Cancel',
    tryAgainIn: (seconds) => `Try again in ${seconds}`,
  },
  choose: {
    title: (provider) => `Which ${provider} accounts?`,
    intro: 'You allowed access to several. Choose those that you want to use here.',
    confirm: (count) =>
      count > 0 ? plural(count, 'Connect 1 account', `Connect ${count} accounts`) : 'Connect',
  },
  credentials: {
    title: (provider) => `Connect ${provider}`,
    steps: (provider) => [
      `Sign in at ${provider} in this browser.`,
      'Open the developer tools (F12) and choose Network.',
      'Right-click any request to the site and choose Copy as cURL.',
    ],
    paste: 'Copied request',
    pasteHint: 'Paste it here',
    found: 'Read from what you pasted',
    nothingFound: 'There is no session in what you pasted. Choose Copy as cURL.',
    has: (name) => `${name}: found`,
    lacks: (name) => `${name}: missing`,
    byHand: 'Fill it in by hand',
    useThisBrowser: 'Use this browser’s',
    optional: 'optional',
    required: 'Please fill this in.',
    warning:
      'Whoever has this session can act as you. It is encrypted before it is stored and never shown again.',
    ends: 'It cannot be renewed. When it ends, we tell you.',
    consent: 'This is my account, and I want it to be used here.',
    consentNeeded: 'Please confirm this.',
    save: 'Connect',
    needsComputer: 'This needs a computer: a phone’s browser cannot copy its session. Open this page there.',
  },
  disconnect: {
    title: (name, provider) => `Disconnect ${name} from ${provider}?`,
    text: (provider) => `The stored tokens are deleted, and ${provider} is asked to end our access.`,
    keeps: 'What was collected stays, and is found again when you reconnect.',
    deleteData: 'Also delete what was collected from it',
    confirm: 'Disconnect',
  },
  toast: {
    connected: (names, list, provider) => `${list || provider} ${names.length > 1 ? 'are' : 'is'} connected.`,
    disconnected: {
      revoked: (provider) => `Disconnected. ${provider} has confirmed it.`,
      pending: (provider) =>
        `Disconnected here. ${provider} has not confirmed it yet; we keep asking for a day.`,
      unsupported: (provider) =>
        `Disconnected here. To end access at ${provider} too, remove this app in your settings there.`,
      kept: (provider) => `Disconnected here. Access at ${provider} stays for your other accounts.`,
    },
    renewed: (name) => `${name} is renewed.`,
    dismiss: 'Dismiss',
  },
  returned: {
    done: 'You can close this window.',
    working: 'One moment…',
    elsewhere: 'This was begun in another browser. Nothing was connected.',
    back: 'Go back',
  },
  errors: {
    denied: 'You did not allow access. Nothing was changed.',
    expired: 'This took too long or was done already. Nothing was changed.',
    refused: (provider) => `${provider} could not complete the sign-in. Nothing was changed.`,
    taken: 'This account already belongs to another user here. Nothing was changed.',
    mismatch: 'You signed in with another account than the one to reconnect. Nothing was changed.',
    noAccount: (provider) => `This sign-in reaches no ${provider} account that can be connected.`,
    notFound: 'This account is no longer connected.',
    reconnect: 'Only you can renew this: please reconnect it.',
    network: 'There was no answer. Check your connection.',
    unavailable: (provider) => `${provider} is not answering. Nothing is lost.`,
    limited: 'That was too often. Wait a moment.',
    busy: 'There is too much to do just now. Nothing is lost.',
    invalid: 'Something in this is not right. Please check it.',
    signedOut: 'You are signed out. Sign in again and come back.',
    setUp: 'This is not set up right. Please tell whoever runs this site.',
    ours: 'Something failed on our side. Nothing was changed.',
    insecure: 'Connecting needs a secure (https) address.',
    storage: 'Your browser keeps nothing for this site. Allow that and try again.',
    elsewhere: 'This was begun in another browser. Nothing was connected.',
  },
};
