/** English: what the components say unless they are told otherwise. */
export { en } from '../messages/en.js';
