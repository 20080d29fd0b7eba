/** French for the console and the library, in one chunk that only French browsers load. */
import { fr as messages } from '@evergrant/react/locales/fr';
import { fr as strings } from './fr.js';
import type { Language } from './language.js';

/** The French language of the console. */
export const FRENCH: Language = { locale: 'fr', strings, messages };
