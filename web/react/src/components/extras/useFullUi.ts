import { useMemo } from 'react';
import { enExtra } from '../../messages/en-extra.js';
import type { Messages } from '../../messages/types.js';
import { type Ui, useUi } from '../ui.js';

/** All words: of the language that was given, or the English that is loaded with this part. */
export function useFullUi(): Ui & { messages: Messages } {
  const ui = useUi();
  return useMemo(() => ({ ...ui, messages: { ...enExtra, ...ui.messages } }), [ui]);
}
