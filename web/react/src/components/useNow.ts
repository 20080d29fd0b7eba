import { useEffect, useState } from 'react';

/**
 * Returns the current time in milliseconds since the epoch, updated every `everyMs` milliseconds; null on first render,
 * so that a server and a browser render the same.
 */
export function useNow(everyMs = 30_000): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
