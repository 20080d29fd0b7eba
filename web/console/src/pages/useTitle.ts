import { useEffect } from 'react';

/** Sets the document title to `title`, followed by the product's name. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Evergrant`;
  }, [title]);
}
