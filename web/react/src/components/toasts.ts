/** What is shown for a moment. One list for the page, because there is one corner to show it in. */
import { createStore } from '../client/store.js';

export interface Toast {
  id: number;
  text: string;
}

export const toasts = createStore<readonly Toast[]>([]);

const MOST = 3;
let last = 0;

export function showToast(text: string): void {
  toasts.set([...toasts.get(), { id: ++last, text }].slice(-MOST));
}

export function hideToast(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}
