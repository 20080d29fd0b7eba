import type { EvergrantError } from './error.js';

/** How long to wait before the nth try (from 1), in milliseconds: doubling from one second to thirty, half of it by chance. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const most = Math.min(30_000, 1000 * 2 ** (attempt - 1));
  return most / 2 + (most / 2) * random();
}

/** The same after a failure that may say itself how long. */
export function waitAfter({ retryAfter = 0 }: EvergrantError, attempt: number): number {
  return Math.max(backoff(attempt), retryAfter * 1000);
}
