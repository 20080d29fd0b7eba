/** `@evergrant/react/server`: for route handlers and server components. It holds your API key: never import it in a browser. */
export { createHandlers } from './handlers.js';
export type { Handler, HandlersOptions } from './handlers.js';
export { createSession } from './session.js';
export type { ServerOptions, Session, SessionOptions, User } from './session.js';
export { fetchStatus } from './status.js';
export { EvergrantError } from '../client/error.js';
export type { InitialStatus } from '../client/snapshot.js';
