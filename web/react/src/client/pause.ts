/** Waits that an `AbortSignal` can end. */

/**
 * Calls `start` and resolves when `start` calls `done` or `signal` fires. The function that `start` returns is called
 * first, to clean up.
 */
export function until(signal: AbortSignal, start: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cleanUp = start(done);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      cleanUp();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Resolves after `ms` milliseconds, or immediately when `signal` fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return until(signal, (done) => {
    const timer = setTimeout(done, ms);
    return () => clearTimeout(timer);
  });
}
