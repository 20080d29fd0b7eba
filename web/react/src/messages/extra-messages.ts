import type { Revocation } from '../client/types.js';

/** Messages that are needed after the first render: dialogs, notices, toasts and failures. */
export interface ExtraMessages {
  /** Texts for the progress of a connection. */
  flow: FlowMessages;
  /** Texts of `ChooseDialog`. */
  choose: ChooseMessages;
  /** Texts of `CredentialsDialog`. */
  credentials: CredentialsMessages;
  /** Texts of `DisconnectDialog`. */
  disconnect: DisconnectMessages;
  /** Texts of `EvergrantToaster`. */
  toast: ToastMessages;
  /** Texts of the return page; pass them to `runReturnPage` as `texts`. */
  returned: ReturnTexts;
  /** The texts of failures. */
  errors: ErrorMessages;
}

/** Texts for the progress of a connection. */
export interface FlowMessages {
  /** The consent page is being opened. */
  starting(provider: string): string;
  /** The user is in the consent window. */
  waiting: string;
  /** The consent window seems to be closed, and the result is unknown. */
  unsure: string;
  /** Label of the button that opens the consent window again. */
  reopen: string;
  /** Label of the buttons that cancel. */
  cancel: string;
  /** Countdown until another attempt may succeed; `left` includes the unit. */
  tryAgainIn(left: string): string;
  /** Label of the button that connects the account `name`, with which the user signed in, as an additional account. */
  addInstead(name: string): string;
  /** Label of the link to the platform's page on accounts that can be connected. */
  accountHelp(provider: string): string;
}

/** Texts of `ChooseDialog`. */
export interface ChooseMessages {
  /** Title of the dialog. */
  title(provider: string): string;
  /** Explains why there is a choice. */
  intro: string;
  /** Label of the submit button; `count` is the number of selected accounts. */
  confirm(count: number): string;
}

/** Texts of `CredentialsDialog`. The English ones are those of the server's own form. */
export interface CredentialsMessages {
  /** Title of the dialog. */
  title(provider: string): string;
  /** Explains why a session is needed; `app` is the host of this page. */
  introduction(provider: string, app: string): string;
  /** Label of the link to the platform's sign-in page. */
  signIn(provider: string): string;
  /** Instructions for copying the session, one string per step; `domain` is that of the platform's site. */
  steps(provider: string, domain: string): readonly string[];
  /** Label of the field into which the copied request is pasted. */
  paste: string;
  /** Placeholder of that field. */
  pasteHint: string;
  /** What else can be pasted. */
  otherForms: string;
  /** Label of the button that opens a file instead. */
  chooseFile: string;
  /** Accessible name of the list of values that were found. */
  found: string;
  /** A value that was found. */
  has(label: string): string;
  /** A value that is missing. */
  lacks(label: string): string;
  /** The pasted text lacks values; `labels` is a list of alternatives. */
  missing(labels: string): string;
  /** Why the pasted text lacks values, and what to do. */
  causes: CredentialsCauses;
  /** Summary of the fields for manual input. */
  byHand: string;
  /** Label of the button that fills in the current browser's user agent. */
  useThisBrowser: string;
  /** Marks an optional field. */
  optional: string;
  /** Shown for a required field that is empty. */
  required(label: string): string;
  /** Explains what a session allows. */
  warning: string;
  /** Explains how it is stored. */
  storage: string;
  /** Explains that a session cannot be refreshed. */
  ends: string;
  /** Explains that the platform's terms may forbid this. */
  terms(provider: string): string;
  /** Label of the checkbox by which the user consents. */
  consent: string;
  /** Shown if the checkbox is not ticked. */
  consentNeeded: string;
  /** Label of the submit button. */
  save: string;
  /** Shown on phones, where a session cannot be copied. */
  needsComputer: string;
}

/** Why a pasted text lacks values of a session, and what to do. */
export interface CredentialsCauses {
  /** There is no session in it. */
  nothing(domain: string): string;
  /** It is of another site. */
  wrongSite(host: string, domain: string): string;
  /** Values are hidden behind dots or asterisks. */
  masked(labels: string): string;
  /** The cookies have expired. */
  expired(provider: string): string;
  /** It is a HAR file without cookies. */
  har: string;
  /** It is a request by `fetch` without cookies. */
  fetch: string;
  /** It has cookies but no headers. */
  cookiesOnly: string;
  /** The file or text is larger than 20 MB. */
  tooLong: string;
}

/** Texts of `DisconnectDialog`. */
export interface DisconnectMessages {
  /** Title of the dialog: the account `name` at the platform `provider`. */
  title(name: string, provider: string): string;
  /** Explains what disconnecting does. */
  text(provider: string): string;
  /** Explains what disconnecting a pasted session does, and how to end the session itself. */
  sessionText(provider: string): string;
  /** Explains that collected data is kept. */
  keeps: string;
  /** Label of the checkbox that also deletes the collected data. */
  deleteData: string;
  /** Label of the submit button. */
  confirm: string;
}

/** Texts of `EvergrantToaster`. */
export interface ToastMessages {
  /** Accounts were connected: their `names`, the names as a formatted `list`, and the platform. */
  connected(names: readonly string[], list: string, provider: string): string;
  /** An account was disconnected, by the result of the revocation; `session` for a pasted session. */
  disconnected: Record<Revocation | 'session', (provider: string) => string>;
  /** The token of the account `name` was refreshed. */
  refreshed(name: string): string;
  /** Accessible name of the close buttons. */
  dismiss: string;
}

/** Texts of the return page. */
export interface ReturnTexts {
  /** Shown when the flow has ended and the window could not be closed. */
  done: string;
  /** Shown while the flow is being finished. */
  working: string;
  /** Shown if the flow was started in another browser. */
  otherBrowser: string;
  /** Label of the link back to the app. */
  back: string;
}

/**
 * The texts of failures: what happened, and what to do next. Error codes that call for the same action by the user share
 * one. `provider` is the platform's name.
 */
export interface ErrorMessages {
  /** The user did not grant access (`OAUTH_DENIED`). */
  denied(provider: string): string;
  /** The flow expired or had already ended (`INVALID_STATE`, `FLOW_NOT_FOUND`). */
  expired: string;
  /** The platform ended the sign-in with an error (`OAUTH_CALLBACK_ERROR`, `INVALID_CODE`). */
  refused(provider: string): string;
  /** The account belongs to another user (`ACCOUNT_ALREADY_CONNECTED`). */
  alreadyConnected(provider: string): string;
  /** The user signed in with an account other than the one to reconnect (`ACCOUNT_MISMATCH`). */
  mismatch(provider: string): string;
  /** The same, if the names of both accounts are known. */
  mismatchOf(provider: string, actual: string, expected: string): string;
  /** The consent covers no account that can be connected (`NO_ELIGIBLE_ACCOUNT`). */
  noAccount(provider: string): string;
  /** The account is not connected (`ACCOUNT_NOT_FOUND`). */
  notFound: string;
  /** Access cannot be refreshed without the user (`RECONNECT_REQUIRED` and others). */
  reconnect: string;
  /** The browser received no response (`BROWSER_OFFLINE`). */
  offline: string;
  /** The platform could not be reached or did not respond in time (`NETWORK_ERROR`, `TIMEOUT_ERROR`). */
  unreachable(provider: string): string;
  /** The platform responds with errors (`PROVIDER_UNAVAILABLE`). */
  unavailable(provider: string): string;
  /** The platform refused a refresh without ending the grant (`TOKEN_REFRESH_ERROR`). */
  notRefreshed(provider: string): string;
  /** A rate limit was exceeded: that of the platform, or Evergrant's own (`RATE_LIMIT_ERROR`). */
  limited(provider: string): string;
  /** Evergrant is overloaded or its database is down (`OVERLOADED`, `DATABASE_ERROR`). */
  busy: string;
  /** The input was rejected (`VALIDATION_ERROR`, `PAYLOAD_TOO_LARGE`). */
  invalid: string;
  /** The user's session at the app has ended (`UNAUTHENTICATED`, `USER_NOT_FOUND`). */
  signedOut: string;
  /** Evergrant or the app is configured incorrectly (`PROVIDER_NOT_CONFIGURED`, `FORBIDDEN` and others). */
  misconfigured: string;
  /** Evergrant failed (`INTERNAL_ERROR`, encryption errors, unknown codes). */
  internal: string;
  /** The page is not served over https (`INSECURE_CONTEXT`). */
  insecure: string;
  /** The browser blocks storage for the site (`STORAGE_BLOCKED`). */
  storage: string;
  /** The flow was started in another browser (`STARTED_IN_OTHER_BROWSER`). */
  otherBrowser: string;
}
