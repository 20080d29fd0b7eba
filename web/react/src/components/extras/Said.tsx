import { useSyncExternalStore } from 'react';
import { newestToast, toasts } from '../toasts.js';
import { useFullUi } from './useFullUi.js';

/** Tells screen readers what has just happened. */
export function Said() {
  const { root } = useFullUi();
  const text = useSyncExternalStore(toasts.subscribe, newestToast)?.text;
  return (
    <div {...root} role="status" className="eg-root eg-unseen">
      {text}
    </div>
  );
}
