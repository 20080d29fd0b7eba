/** Waiting that can be ended from outside. */

/** Resolves once `begin` says so, or when `signal` fires; what `begin` answered cleans up after it. */
export function until(signal: AbortSignal, begin: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = begin(done);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      end();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Resolves after `ms`, or at once when `signal` fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return until(signal, (done) => {
    const timer = setTimeout(done, ms);
    return () => clearTimeout(timer);
  });
}
