/**
 * `@evergrant/react/server`: for route handlers and server components. It uses your API key, so do not import it in code
 * for the browser.
 */
export { createHandlers } from './handlers.js';
export type { Handler, Handlers, HandlersOptions } from './handlers.js';
export { createSession } from './session.js';
export type { ServerOptions, Session, SessionOptions, User } from './session.js';
export { fetchStatus } from './status.js';
export { EvergrantError } from '../client/error.js';
export type { InitialStatus } from '../client/snapshot.js';
