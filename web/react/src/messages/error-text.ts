import type { ErrorCode } from '../client/error.js';
import { mentionOf } from '../client/names.js';
import type { Choice } from '../client/types.js';
import { enErrors } from './en-errors.js';
import type { ErrorMessages } from './extra-messages.js';

/** The message for each error code. The type makes a missing code a compile error. */
const SENTENCES: Record<ErrorCode, keyof ErrorMessages> = {
  OAUTH_DENIED: 'denied',
  INVALID_STATE: 'expired',
  FLOW_NOT_FOUND: 'expired',
  OAUTH_CALLBACK_ERROR: 'refused',
  INVALID_CODE: 'refused',
  ACCOUNT_ALREADY_CONNECTED: 'alreadyConnected',
  ACCOUNT_MISMATCH: 'mismatch',
  NO_ELIGIBLE_ACCOUNT: 'noAccount',
  ACCOUNT_NOT_FOUND: 'notFound',
  TOKEN_EXPIRED: 'reconnect',
  NO_REFRESH_TOKEN: 'reconnect',
  NO_ACCESS_TOKEN: 'reconnect',
  RECONNECT_REQUIRED: 'reconnect',
  NETWORK_ERROR: 'unreachable',
  TIMEOUT_ERROR: 'unreachable',
  TOKEN_REFRESH_ERROR: 'notRefreshed',
  PROVIDER_UNAVAILABLE: 'unavailable',
  RATE_LIMIT_ERROR: 'limited',
  OVERLOADED: 'busy',
  DATABASE_ERROR: 'busy',
  VALIDATION_ERROR: 'invalid',
  PAYLOAD_TOO_LARGE: 'invalid',
  UNAUTHENTICATED: 'signedOut',
  USER_NOT_FOUND: 'signedOut',
  USER_CONFLICT: 'misconfigured',
  FORBIDDEN: 'misconfigured',
  INVALID_PROVIDER: 'misconfigured',
  PROVIDER_NOT_CONFIGURED: 'misconfigured',
  INVALID_USER_ID: 'misconfigured',
  INVALID_REDIRECT_URL: 'misconfigured',
  INVALID_REQUEST: 'misconfigured',
  OAUTH_INIT_ERROR: 'misconfigured',
  NOT_FOUND: 'misconfigured',
  METHOD_NOT_ALLOWED: 'misconfigured',
  ENCRYPTION_ERROR: 'internal',
  DECRYPTION_ERROR: 'internal',
  INTERNAL_ERROR: 'internal',
  BROWSER_OFFLINE: 'offline',
  INSECURE_CONTEXT: 'insecure',
  STORAGE_BLOCKED: 'storage',
  STARTED_IN_OTHER_BROWSER: 'otherBrowser',
};

/** What an error is about, and the language of its text. */
export interface ErrorTextOptions {
  /** The platform's name, such as `Reddit`. */
  provider: string;
  /** The name of the account to reconnect, if the action was a reconnect. */
  account?: string | undefined;
  /** What to do to get an account that can be connected: the provider's `accountHelp`. */
  help?: string | null | undefined;
  /**
   * The texts: `errors` of a language.
   *
   * @default English
   */
  errors?: ErrorMessages;
}

/** The parts of an `EvergrantError` that decide its text. */
interface ErrorSubject {
  /** What went wrong. */
  code: ErrorCode;
  /** The accounts with which the user signed in, for `ACCOUNT_MISMATCH`. */
  accounts?: readonly Choice[] | undefined;
}

/**
 * Returns the text of an error for users: what happened, and what to do next. Codes that this version of the package does
 * not know get the text of an internal error.
 */
export function errorText({ code, accounts = [] }: ErrorSubject, options: ErrorTextOptions): string {
  const { provider, account, help, errors = enErrors } = options;
  const [first] = accounts;
  if (code === 'ACCOUNT_MISMATCH' && first && account) {
    return errors.mismatchOf(provider, mentionOf(first), account);
  }
  if (code === 'NO_ELIGIBLE_ACCOUNT' && help) return `${errors.noAccount(provider)} ${help}`;
  // The code may come from the page's URL, which is untrusted: ignore inherited properties.
  const sentence = errors[Object.hasOwn(SENTENCES, code) ? SENTENCES[code] : 'internal'];
  return typeof sentence === 'string' ? sentence : sentence(provider, '', '');
}
