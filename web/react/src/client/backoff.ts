import type { EvergrantError } from './error.js';

/**
 * Returns the delay before the retry number `attempt` (from 1), in milliseconds. It doubles from 1 s to 30 s; the upper
 * half of it is random, so that clients do not retry in step.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const most = Math.min(30_000, 1000 * 2 ** (attempt - 1));
  return most / 2 + (most / 2) * random();
}

/** Returns the delay before the next retry, in milliseconds: `backoff`, but not less than the error's `retryAfter`. */
export function waitAfter({ retryAfter = 0 }: EvergrantError, attempt: number): number {
  return Math.max(backoff(attempt), retryAfter * 1000);
}
