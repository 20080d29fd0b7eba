import { useSyncExternalStore } from 'react';
import { newestToast, toasts } from '../toasts.js';
import { useFullUi } from './useFullUi.js';

/** Announces the newest toast to screen readers. */
export function LiveRegion() {
  const { root } = useFullUi();
  const text = useSyncExternalStore(toasts.subscribe, newestToast)?.text;
  return (
    <div {...root} role="status" className="eg-root eg-unseen">
      {text}
    </div>
  );
}
