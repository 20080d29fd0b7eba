/** What is shown for a moment. One list for the page, because there is one corner to show it in. */
import { createStore } from '../client/store.js';

export interface Toast {
  id: number;
  text: string;
  /** How bad it is; absent where all is well. */
  status: 'expired' | 'error' | undefined;
}

export const toasts = createStore<readonly Toast[]>([]);

const MOST = 3;
let last = 0;

/** What is said once more takes the place of what was said before. */
export function showToast(text: string, status?: Toast['status']): void {
  const others = toasts.get().filter((toast) => toast.text !== text);
  toasts.set([...others, { id: ++last, text, status }].slice(-MOST));
}

/** The one that was shown last, for as long as it is there: those that it leaves behind have been told. */
export function newestToast(): Toast | undefined {
  return toasts.get().find(({ id }) => id === last);
}

export function hideToast(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}
