/** The toasts of the page. There is one list, because there is one corner to show them in. */
import { createStore } from '../client/store.js';

/** A message that is shown for a few seconds. */
export interface Toast {
  /** Increases with every toast. */
  id: number;
  /** The text. */
  text: string;
  /** The status whose mark is shown; undefined for a success. */
  status: 'expired' | 'error' | undefined;
}

/** The toasts that are shown, oldest first. */
export const toasts = createStore<readonly Toast[]>([]);

/** How many toasts are shown at once. */
const MAX_TOASTS = 3;
/** The id of the newest toast. */
let last = 0;

/** Shows a toast. Replaces a toast with the same text, and the oldest one if there are too many. */
export function showToast(text: string, status?: Toast['status']): void {
  const others = toasts.get().filter((toast) => toast.text !== text);
  toasts.set([...others, { id: ++last, text, status }].slice(-MAX_TOASTS));
}

/** Returns the newest toast while it is shown. Older ones have already been announced to screen readers. */
export function newestToast(): Toast | undefined {
  return toasts.get().find(({ id }) => id === last);
}

/** Removes a toast. */
export function hideToast(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}
