import type { Choice } from './types.js';

/**
 * The error codes of the server. Codes are never renamed, and new ones may be added. `docs/errors.md` describes each of
 * them.
 */
export type ServerErrorCode =
  | 'INVALID_PROVIDER'
  | 'PROVIDER_NOT_CONFIGURED'
  | 'INVALID_USER_ID'
  | 'INVALID_REDIRECT_URL'
  | 'INVALID_REQUEST'
  | 'OAUTH_INIT_ERROR'
  | 'OAUTH_CALLBACK_ERROR'
  | 'OAUTH_DENIED'
  | 'INVALID_STATE'
  | 'INVALID_CODE'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_REFRESH_ERROR'
  | 'NO_REFRESH_TOKEN'
  | 'NO_ACCESS_TOKEN'
  | 'RECONNECT_REQUIRED'
  | 'ACCOUNT_NOT_FOUND'
  | 'ACCOUNT_ALREADY_CONNECTED'
  | 'ACCOUNT_MISMATCH'
  | 'NO_ELIGIBLE_ACCOUNT'
  | 'NETWORK_ERROR'
  | 'TIMEOUT_ERROR'
  | 'RATE_LIMIT_ERROR'
  | 'PROVIDER_UNAVAILABLE'
  | 'DATABASE_ERROR'
  | 'ENCRYPTION_ERROR'
  | 'DECRYPTION_ERROR'
  | 'VALIDATION_ERROR'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'OVERLOADED'
  | 'USER_NOT_FOUND'
  | 'USER_CONFLICT'
  | 'FLOW_NOT_FOUND'
  | 'PAYLOAD_TOO_LARGE'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'INTERNAL_ERROR';

/**
 * The error codes of this package:
 *
 * - `BROWSER_OFFLINE`: the browser received no response from Evergrant or from your app. The server's `NETWORK_ERROR` and
 *   `TIMEOUT_ERROR` are about the platform.
 * - `INSECURE_CONTEXT`: the page is served over plain http and not from loopback, so `crypto.subtle` is not available.
 * - `STORAGE_BLOCKED`: the browser blocks storage for this site.
 * - `STARTED_IN_OTHER_BROWSER`: the consent returned to a browser that did not start the flow.
 */
export type ClientErrorCode =
  'BROWSER_OFFLINE' | 'INSECURE_CONTEXT' | 'STORAGE_BLOCKED' | 'STARTED_IN_OTHER_BROWSER';

/** Any error code: of the server or of this package. */
export type ErrorCode = ServerErrorCode | ClientErrorCode;

/** The details of a failure in addition to its code. */
export interface ErrorDetails {
  /** The accounts with which the user signed in, for `ACCOUNT_MISMATCH`; absent if they are not known. */
  accounts?: readonly Choice[] | undefined;
  /** The HTTP status; absent if no response was received. */
  status?: number | undefined;
  /** Identifies the request in the operator's log. */
  correlationId?: string | undefined;
  /** How long to wait before the next attempt, in seconds. */
  retryAfter?: number | undefined;
  /**
   * Whether the same request may succeed later without the user.
   *
   * @default false
   */
  retryable?: boolean;
  /**
   * What is wrong with each rejected field, by its path, such as `values.sess`.
   *
   * @default an empty object
   */
  fields?: Readonly<Record<string, string>>;
  /** The exception that caused the failure. */
  cause?: unknown;
}

/** The error of every failure in this package. Choose texts for users by `code`; `message` is meant for logs. */
export class EvergrantError extends Error {
  /** Always `EvergrantError`. */
  override readonly name = 'EvergrantError';
  /** The accounts with which the user signed in, for `ACCOUNT_MISMATCH`; absent if they are not known. */
  declare readonly accounts?: readonly Choice[];
  /** The HTTP status; absent if no response was received. */
  declare readonly status?: number;
  /** Identifies the request in the operator's log. */
  declare readonly correlationId?: string;
  /** How long to wait before the next attempt, in seconds. */
  declare readonly retryAfter?: number;
  /** Whether the same request may succeed later without the user. */
  declare readonly retryable: boolean;
  /** What is wrong with each rejected field, by its path, such as `values.sess`; empty for other failures. */
  declare readonly fields: Readonly<Record<string, string>>;

  /** Creates an error. `message` defaults to the code. */
  constructor(
    /** What went wrong. */
    readonly code: ErrorCode,
    message: string = code,
    details: ErrorDetails = {},
  ) {
    super(message);
    Object.assign(this, { retryable: false, fields: {} }, details);
  }
}

/** Converts a thrown value to an `EvergrantError`; anything else becomes a retryable `BROWSER_OFFLINE`. */
export function asError(thrown: unknown): EvergrantError {
  return thrown instanceof EvergrantError
    ? thrown
    : new EvergrantError('BROWSER_OFFLINE', String(thrown), { retryable: true, cause: thrown });
}

/** A problem document (RFC 9457) of the server. */
interface Problem {
  code?: ErrorCode;
  title?: string;
  detail?: string;
  correlationId?: string;
  retryable?: boolean;
  retryAfterSeconds?: number;
  fields?: readonly { field: string; message: string }[];
  accounts?: readonly Choice[];
}

/**
 * Converts an unsuccessful response to an error: from its problem document (RFC 9457), or from its status and headers if
 * it has none.
 */
export async function errorOf(response: Response): Promise<EvergrantError> {
  const { status, headers } = response;
  const problem = (await response.json().catch(() => ({}))) as Problem;
  return new EvergrantError(
    problem.code ?? codeOf(status),
    problem.detail ?? problem.title ?? `HTTP ${status}`,
    {
      status,
      retryable: problem.retryable ?? (status >= 500 || status === 429),
      retryAfter: problem.retryAfterSeconds ?? secondsOf(headers.get('retry-after')),
      accounts: problem.accounts,
      correlationId: problem.correlationId ?? headers.get('x-request-id') ?? undefined,
      fields: Object.fromEntries((problem.fields ?? []).map(({ field, message }) => [field, message])),
    },
  );
}

/** Parses `Retry-After`, which is a number of seconds or a date (RFC 9110, section 10.2.3), to seconds from now. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number.isNaN(+header) ? (Date.parse(header) - Date.now()) / 1000 : +header;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}

/** Returns the code for a response without a problem document. It is not Evergrant's own, but that of a proxy. */
function codeOf(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMIT_ERROR';
  return status >= 500 ? 'OVERLOADED' : 'INVALID_REQUEST';
}
