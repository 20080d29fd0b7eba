/** Paths of the Integrations page, which is also the home page. */
export const INTEGRATIONS = /^\/(?:integrations\/?)?$/;

/** Returns whether `path` shows the Integrations page. */
export const isIntegrations = (path: string): boolean => INTEGRATIONS.test(path);
