/** The messages of the components. */
import type { CoreMessages } from './core-messages.js';
import type { ExtraMessages } from './extra-messages.js';

/**
 * Every message of the components in one language. No member is optional, so a translation that lacks one does not
 * compile.
 */
export interface Messages extends CoreMessages, ExtraMessages {}
