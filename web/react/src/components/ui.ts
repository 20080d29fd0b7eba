import { createContext, useContext, useMemo } from 'react';
import { createFormat, type Format } from '../messages/format.js';
import { enCore } from '../messages/en-core.js';
import type { CoreMessages, ExtraMessages } from '../messages/types.js';

/** A whole language, or the English that is loaded at first. */
export type KnownMessages = CoreMessages & Partial<ExtraMessages>;

/** `auto` follows the page: its `color-scheme` decides. */
export type Theme = 'auto' | 'light' | 'dark';

interface UiSettings {
  messages: KnownMessages;
  theme: Theme;
}

export const UiContext = createContext<UiSettings>({ messages: enCore, theme: 'auto' });

export interface Ui {
  messages: KnownMessages;
  format: Format;
  /** For the outermost element of each component. */
  root: { lang: string; dir: 'ltr' | 'rtl'; 'data-theme'?: Theme };
}

export function useUi(): Ui {
  const { messages, theme } = useContext(UiContext);
  return useMemo(() => {
    const { locale, dir } = messages;
    const root = { lang: locale, dir, ...(theme === 'auto' ? {} : { 'data-theme': theme }) };
    return { messages, format: createFormat(locale), root };
  }, [messages, theme]);
}
