/** Asks for the part of the components that is loaded after the list; rejects where it cannot be loaded. */
export const loadExtras = () => import('./extras/index.js');
