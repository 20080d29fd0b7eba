/** Loads the components that are not needed for the first render; rejects if they cannot be loaded. */
export const loadExtras = () => import('./extras/index.js');
