/** `@evergrant/react/locales/en`: the default language. */
export { en } from '../messages/en.js';
