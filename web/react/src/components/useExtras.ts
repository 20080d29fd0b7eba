import { createLate } from './createLate.js';
import { loadExtras } from './loadExtras.js';

/** Returns the components that are loaded on demand; null until they are loaded, and while they are not needed. */
export const useExtras = createLate(() => loadExtras());
