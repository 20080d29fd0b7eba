import type { CoreMessages } from '../messages/types.js';
import { showToast } from './toasts.js';

/** Puts text on the clipboard, and says so; nothing where the browser does not let us. */
export async function copy(text: string, { account }: CoreMessages): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast(account.copied);
  } catch {
    // Nobody was harmed: the text is still where it was.
  }
}
