/** French in one file, loaded for those who read it. */
import { fr as messages } from '@evergrant/react/locales/fr';
import { fr as words } from './fr.js';
import type { Language } from './language.js';

export const FRENCH: Language = { locale: 'fr', words, messages };
