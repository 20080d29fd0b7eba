/** What the console speaks to while one works on it: the program at `EVERGRANT_URL`, or a mock of it. */
import { mockServer } from './mock-server.mjs';

const OURS = ['/api', '/console', '/images', '/openapi.json', '/docs', '/errors'];

/** @returns {import('vite').Plugin} */
export function backend() {
  const { EVERGRANT_URL: target } = process.env;
  return {
    name: 'evergrant-backend',
    apply: 'serve',
    config: () =>
      target ? { server: { proxy: Object.fromEntries(OURS.map((path) => [path, target])) } } : {},
    configureServer(server) {
      if (!target) server.middlewares.use(mockServer());
      server.middlewares.use(documents);
    },
  };
}

/**
 * Two paths have a document of their own: the one as with the program, the other while developing alone.
 * @type {import('vite').Connect.NextHandleFunction}
 */
function documents(request, _response, next) {
  request.url = request.url?.replace(/^\/(return|gallery)(?=$|\?)/, '/$1.html');
  next();
}
