import { useMemo } from 'react';
import { enExtra } from '../../messages/en-extra.js';
import type { Messages } from '../../messages/types.js';
import { type Ui, useUi } from '../ui.js';

/** Returns the UI settings with all messages: those of the given language, or the English ones loaded with this module. */
export function useFullUi(): Ui & { messages: Messages } {
  const ui = useUi();
  return useMemo(() => ({ ...ui, messages: { ...enExtra, ...ui.messages } }), [ui]);
}
