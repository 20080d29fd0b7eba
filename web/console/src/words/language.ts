import type { Messages } from '@evergrant/react';
import { createContext, useContext } from 'react';
import { en } from './en.js';
import { localeOf } from './language-of.js';
import type { Words } from './words.js';

/** The console's words, and the library's; English is what the library speaks by itself. */
export interface Language {
  locale: string;
  words: Words;
  messages?: Messages;
}

export const ENGLISH: Language = { locale: 'en', words: en };

/** English where the other language cannot be loaded: a page in the wrong language beats none. */
export async function loadLanguage(wanted: readonly string[]): Promise<Language> {
  if (localeOf(wanted) === 'en') return ENGLISH;
  return import('./french.js').then(
    ({ FRENCH }) => FRENCH,
    () => ENGLISH,
  );
}

export const LanguageContext = createContext<Language>(ENGLISH);

export const useWords = (): Words => useContext(LanguageContext).words;
