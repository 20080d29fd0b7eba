import type { ErrorCode } from '../client/error.js';
import type { ErrorMessages, Messages } from './types.js';

/** Which sentence tells of which code. A code without one does not compile. */
const SENTENCES: Record<ErrorCode, keyof ErrorMessages> = {
  OAUTH_DENIED: 'denied',
  INVALID_STATE: 'expired',
  FLOW_NOT_FOUND: 'expired',
  OAUTH_CALLBACK_ERROR: 'refused',
  INVALID_CODE: 'refused',
  ACCOUNT_ALREADY_CONNECTED: 'taken',
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
  FORBIDDEN: 'setUp',
  INVALID_PROVIDER: 'setUp',
  PROVIDER_NOT_CONFIGURED: 'setUp',
  INVALID_USER_ID: 'setUp',
  INVALID_REDIRECT_URL: 'setUp',
  INVALID_REQUEST: 'setUp',
  OAUTH_INIT_ERROR: 'setUp',
  NOT_FOUND: 'setUp',
  METHOD_NOT_ALLOWED: 'setUp',
  ENCRYPTION_ERROR: 'ours',
  DECRYPTION_ERROR: 'ours',
  INTERNAL_ERROR: 'ours',
  INSECURE_CONTEXT: 'insecure',
  STORAGE_BLOCKED: 'storage',
  BEGUN_ELSEWHERE: 'elsewhere',
};

/** What a person is told of a failure; a code that is newer than this package is told as a failure of ours. */
export function errorText(messages: Messages, code: ErrorCode, provider: string): string {
  // A code may come from an address that anybody made up.
  const sentence = messages.errors[Object.hasOwn(SENTENCES, code) ? SENTENCES[code] : 'ours'];
  return typeof sentence === 'string' ? sentence : sentence(provider);
}
