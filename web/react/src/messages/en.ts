import { enCore } from './en-core.js';
import { enExtra } from './en-extra.js';
import type { Messages } from './types.js';

/** All English messages. */
export const en: Messages = { ...enCore, ...enExtra };
