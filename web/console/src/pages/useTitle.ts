import { useEffect } from 'react';
import { APP } from '../base.js';

/** Sets the document title to `title`, followed by the app's name. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${APP.name}`;
  }, [title]);
}
