/** The home page is the Integrations page. */
export const INTEGRATIONS = /^\/(?:integrations\/?)?$/;

export const isIntegrations = (path: string): boolean => INTEGRATIONS.test(path);
