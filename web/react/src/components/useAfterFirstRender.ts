import { useEffect, useState } from 'react';

/** Returns true after the first render; always false on a server. */
export function useAfterFirstRender(): boolean {
  const [isAfter, setAfter] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setAfter, 0, true);
    return () => clearTimeout(timer);
  }, []);
  return isAfter;
}
