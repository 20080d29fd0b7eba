import { createContext, useContext, useMemo } from 'react';
import type { CoreMessages } from '../messages/core-messages.js';
import { enCore } from '../messages/en-core.js';
import type { ExtraMessages } from '../messages/extra-messages.js';
import { createFormat, type Format } from '../messages/format.js';

/** The messages that are available on first render: a complete language, or the core messages in English. */
export type KnownMessages = CoreMessages & Partial<ExtraMessages>;

/** The colour scheme of the components; `auto` follows the page's `color-scheme`. */
export type Theme = 'auto' | 'light' | 'dark';

/** What `EvergrantProvider` is configured with. */
interface UiSettings {
  /** The language. */
  messages: KnownMessages;
  /** The colour scheme. */
  theme: Theme;
}

/** The settings of the nearest `EvergrantProvider`. */
export const UiContext = createContext<UiSettings>({ messages: enCore, theme: 'auto' });

/** The UI settings, prepared for components. */
export interface Ui {
  /** The messages. */
  messages: KnownMessages;
  /** Formats times and lists in the language of the messages. */
  format: Format;
  /** The attributes of each component's outermost element. */
  root: { lang: string; dir: 'ltr' | 'rtl'; 'data-theme'?: Theme };
}

/** Returns the UI settings of the nearest `EvergrantProvider`. */
export function useUi(): Ui {
  const { messages, theme } = useContext(UiContext);
  return useMemo(() => {
    const { locale, dir } = messages;
    const root = { lang: locale, dir, ...(theme === 'auto' ? {} : { 'data-theme': theme }) };
    return { messages, format: createFormat(locale), root };
  }, [messages, theme]);
}
