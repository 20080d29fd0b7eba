/** Codes of the server; they are never renamed. `docs/errors.md` describes each. */
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
  | 'FLOW_NOT_FOUND'
  | 'PAYLOAD_TOO_LARGE'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'INTERNAL_ERROR';

/**
 * Codes of this package. `INSECURE_CONTEXT`: the page is plain http and not loopback, so the browser has no
 * `crypto.subtle`. `STORAGE_BLOCKED`: the browser keeps nothing for this site. `BEGUN_ELSEWHERE`: the consent came back
 * to a browser that did not ask for it.
 */
export type ClientErrorCode = 'INSECURE_CONTEXT' | 'STORAGE_BLOCKED' | 'BEGUN_ELSEWHERE';

export type ErrorCode = ServerErrorCode | ClientErrorCode;

/** What is known of a failure beyond its code. */
export interface ErrorDetails {
  /** The HTTP status; absent where no answer came. */
  status?: number | undefined;
  /** Finds the request in the operator's log. */
  correlationId?: string | undefined;
  /** How long to wait before another try, in seconds. */
  retryAfter?: number | undefined;
  retryable?: boolean;
  /** What is wrong with which field, by its path such as `values.sess`. */
  fields?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** Every failure of this package. Words for people are chosen by `code`; `message` is for the log. */
export class EvergrantError extends Error {
  override readonly name = 'EvergrantError';
  declare readonly status?: number;
  declare readonly correlationId?: string;
  declare readonly retryAfter?: number;
  declare readonly retryable: boolean;
  declare readonly fields: Readonly<Record<string, string>>;

  constructor(
    readonly code: ErrorCode,
    message: string = code,
    details: ErrorDetails = {},
  ) {
    super(message);
    Object.assign(this, { retryable: false, fields: {} }, details);
  }
}

/** Whatever was thrown, as an error of ours. */
export function asError(thrown: unknown): EvergrantError {
  return thrown instanceof EvergrantError
    ? thrown
    : new EvergrantError('NETWORK_ERROR', String(thrown), { retryable: true, cause: thrown });
}

interface Problem {
  code?: ErrorCode;
  title?: string;
  detail?: string;
  correlationId?: string;
  retryable?: boolean;
  retryAfterSeconds?: number;
  fields?: readonly { field: string; message: string }[];
}

/** A refused response as an error: its problem document (RFC 9457), or what its status alone says. */
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
      correlationId: problem.correlationId ?? headers.get('x-request-id') ?? undefined,
      fields: Object.fromEntries((problem.fields ?? []).map(({ field, message }) => [field, message])),
    },
  );
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number.isNaN(+header) ? (Date.parse(header) - Date.now()) / 1000 : +header;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMIT_ERROR';
  return status >= 500 ? 'PROVIDER_UNAVAILABLE' : 'INVALID_REQUEST';
}
