import type { ErrorCode } from '../client/error.js';
import type { ErrorMessages } from './extra-messages.js';
import type { Messages } from './types.js';

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
  NETWORK_ERROR: 'network',
  TIMEOUT_ERROR: 'network',
  TOKEN_REFRESH_ERROR: 'unavailable',
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
  INSECURE_CONTEXT: 'insecure',
  STORAGE_BLOCKED: 'storage',
  STARTED_IN_OTHER_BROWSER: 'otherBrowser',
};

/**
 * Returns the text for an error code; `provider` is the platform's name. Codes that this version of the package does not
 * know get the text for an internal error.
 */
export function errorText(messages: Messages, code: ErrorCode, provider: string): string {
  // The code may come from the page's URL, which is untrusted: ignore inherited properties.
  const sentence = messages.errors[Object.hasOwn(SENTENCES, code) ? SENTENCES[code] : 'internal'];
  return typeof sentence === 'string' ? sentence : sentence(provider);
}
