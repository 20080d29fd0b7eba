/** Helpers for tests with vitest's fake timers. */
import { vi } from 'vitest';

/** Counts digests in progress: they run off the event loop, so fake timers do not control them. */
const digests = { pending: 0 };
const { subtle } = crypto;
const digest = subtle.digest.bind(subtle);
subtle.digest = async (...args) => {
  digests.pending++;
  try {
    return await digest(...args);
  } finally {
    digests.pending--;
  }
};

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs pending promises, digests and zero-delay timers without advancing the clock. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await vi.advanceTimersByTimeAsync(0);
    await nextTick();
    while (digests.pending > 0) await nextTick();
  }
}

/**
 * Advances the clock in steps of at most 5 s, so that work started by one timer settles before the
 * next fires.
 */
export async function advance(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5000) {
    await vi.advanceTimersByTimeAsync(Math.min(left, 5000));
    await settle();
  }
}

/** The timer functions that tests fake. Digests and streams use others, which stay real. */
export const FAKE_TIMERS = {
  toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
} as const;
