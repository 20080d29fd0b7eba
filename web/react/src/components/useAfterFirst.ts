import { useEffect, useState } from 'react';

/** True once the first rendering is done: after the list, and never on a server. */
export function useAfterFirst(): boolean {
  const [isAfter, setAfter] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setAfter, 0, true);
    return () => clearTimeout(timer);
  }, []);
  return isAfter;
}
