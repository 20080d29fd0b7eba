import type { Messages } from '@evergrant/react';
import { createContext, useContext } from 'react';
import { detectLocale } from './detect-locale.js';
import { en } from './en.js';
import type { Strings } from './strings.js';

/** One language: the console's strings and the library's messages. */
export interface Language {
  /** BCP 47 tag, used as the document's `lang`. */
  locale: string;
  strings: Strings;
  /** Absent for English, which is the library's default. */
  messages?: Messages;
}

/** English, bundled with the first script. */
export const ENGLISH: Language = { locale: 'en', strings: en };

/**
 * Loads the language for `preferred`. Falls back to English if the chunk cannot be loaded: a page
 * in the wrong language is better than no page.
 */
export async function loadLanguage(preferred: readonly string[]): Promise<Language> {
  if (detectLocale(preferred) === 'en') return ENGLISH;
  return import('./french.js').then(
    ({ FRENCH }) => FRENCH,
    () => ENGLISH,
  );
}

/** The language of the page. Default: English. */
export const LanguageContext = createContext<Language>(ENGLISH);

/** Returns the console's strings in the language of the page. */
export const useStrings = (): Strings => useContext(LanguageContext).strings;
