import type { CoreMessages } from '../messages/core-messages.js';
import { showToast } from './toasts.js';

/** Copies text to the clipboard and shows a toast. Does nothing if the browser denies access to the clipboard. */
export async function copyText(text: string, { account }: CoreMessages): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast(account.copied);
  } catch {
    // Access denied: the text can still be selected and copied by hand.
  }
}
