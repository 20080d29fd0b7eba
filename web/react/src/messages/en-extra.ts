import type { ExtraMessages } from './extra-messages.js';
import { SESSION_FORM as form } from './session-form.js';

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

/** Replaces the placeholders of a text, such as `{provider}`. */
const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');

/** The English messages that are loaded together with the components that use them. */
export const enExtra: ExtraMessages = {
  outage: {
    stale: (when) =>
      `Connection lost. ${when ? `Showing data from ${when}` : 'The data may be out of date'}.`,
    failed: 'Your accounts could not be loaded.',
    nextTry: (seconds) => `Retrying in ${seconds}`,
    retry: 'Retry now',
  },
  inApp: {
    text: 'This app’s built-in browser cannot connect accounts. Open this page in your usual browser.',
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
    intro: 'You granted access to several accounts. Choose the ones to use here.',
    confirm: (count) =>
      count > 0 ? plural(count, 'Connect 1 account', `Connect ${count} accounts`) : 'Connect',
  },
  credentials: {
    title: (provider) => fill(form.title, { provider }),
    introduction: (provider, app) => fill(form.introduction, { provider, app }),
    signIn: (provider) => fill(form.signIn, { provider }),
    steps: (provider, domain) => form.steps.map((step) => fill(step, { provider, domain })),
    paste: form.paste,
    pasteHint: form.pasteHint,
    otherForms: form.otherForms,
    chooseFile: 'Choose a file',
    found: form.found,
    has: (label) => fill(form.has, { label }),
    lacks: (label) => fill(form.lacks, { label }),
    missing: (labels) => fill(form.missing, { labels }),
    causes: {
      nothing: (domain) => fill(form.causes.nothing, { domain }),
      wrongSite: (host, domain) => fill(form.causes.wrongSite, { host, domain }),
      masked: (labels) => fill(form.causes.masked, { labels }),
      expired: (provider) => fill(form.causes.expired, { provider }),
      har: form.causes.har,
      fetch: form.causes.fetch,
      cookiesOnly: form.causes.cookiesOnly,
      tooLong: 'This file is larger than 20 MB. Choose Copy as cURL on one request.',
    },
    byHand: form.byHand,
    useThisBrowser: 'Use this browser’s',
    optional: form.optional,
    required: (label) => fill(form.required, { label }),
    warning: form.warning,
    storage: form.storage,
    ends: form.ends,
    terms: (provider) => fill(form.terms, { provider }),
    consent: form.consent,
    consentNeeded: form.consentNeeded,
    save: form.save,
    needsComputer: form.needsComputer,
  },
  disconnect: {
    title: (name, provider) => `Disconnect ${name} from ${provider}?`,
    text: (provider) => `We delete the stored tokens and ask ${provider} to revoke access.`,
    keeps: 'Collected data is kept and is available if you reconnect.',
    deleteData: 'Also delete the collected data',
    confirm: 'Disconnect',
  },
  toast: {
    connected: (names, list, provider) => `${list || provider} ${names.length > 1 ? 'are' : 'is'} connected.`,
    disconnected: {
      revoked: (provider) => `Disconnected. ${provider} has confirmed it.`,
      pending: (provider) =>
        `Disconnected here. ${provider} has not confirmed it yet; we keep trying for a day.`,
      unsupported: (provider) =>
        `Disconnected here. To revoke access at ${provider} too, remove this app in your settings there.`,
      kept: (provider) => `Disconnected here. Access at ${provider} is kept for your other accounts.`,
    },
    refreshed: (name) => `${name} was refreshed.`,
    dismiss: 'Dismiss',
  },
  returned: {
    done: 'You can close this window.',
    working: 'One moment…',
    otherBrowser: 'This sign-in was started in another browser. Nothing was connected.',
    back: 'Go back',
  },
  errors: {
    denied: 'You did not allow access. Nothing was changed.',
    expired: 'This sign-in has expired or was already completed. Start again.',
    refused: (provider) => `${provider} could not complete the sign-in. Nothing was changed.`,
    alreadyConnected: 'This account belongs to another user here. Nothing was changed.',
    mismatch: 'You signed in with a different account than the one to reconnect. Nothing was changed.',
    noAccount: (provider) => `This sign-in includes no ${provider} account that can be connected.`,
    notFound: 'This account is no longer connected.',
    reconnect: 'Access has expired. Reconnect this account.',
    network: 'No response. Check your connection.',
    unavailable: (provider) => `${provider} is not responding. Try again shortly.`,
    limited: 'Too many attempts. Try again shortly.',
    busy: 'We’re busy right now. Try again shortly.',
    invalid: 'Please check the highlighted fields.',
    signedOut: 'You are signed out. Sign in again.',
    misconfigured: 'Evergrant isn’t configured correctly; contact the site’s administrator.',
    internal: 'Something went wrong on our side. Try again shortly.',
    insecure: 'Connecting requires a secure (https) address.',
    storage: 'Your browser is blocking site storage. Allow it and try again.',
    otherBrowser: 'This sign-in was started in another browser. Nothing was connected.',
  },
};
