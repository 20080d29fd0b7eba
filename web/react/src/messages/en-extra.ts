import { enErrors } from './en-errors.js';
import type { ExtraMessages } from './extra-messages.js';
import { SESSION_FORM as form } from './session-form.js';

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

/** Replaces the placeholders of a text, such as `{provider}`. */
const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');

/** The English messages that are loaded together with the components that use them. */
export const enExtra: ExtraMessages = {
  flow: {
    starting: (provider) => `Opening ${provider}…`,
    waiting: 'Finish in the window that just opened.',
    unsure: 'Did the window close before you finished?',
    reopen: 'Open it again',
    cancel: 'Cancel',
    tryAgainIn: (left) => `Try again in ${left}`,
    addInstead: (name) => `Add ${name} instead`,
    accountHelp: (provider) => `Help at ${provider}`,
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
    sessionText: (provider) =>
      `We delete the stored session. It stays valid at ${provider} until you end it: sign out of ${provider} in the browser that you copied it from.`,
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
      session: (provider) =>
        `Disconnected here. The session is still valid at ${provider}: to end it, sign out of ${provider} in the browser that you copied it from.`,
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
    otherBrowser:
      'This sign-in was started in another browser. Nothing was connected. Start again in this browser.',
    back: 'Go back',
  },
  errors: enErrors,
};
