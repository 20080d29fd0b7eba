/**
 * Vite plugin that supplies the dev server's backend: the server at `EVERGRANT_URL`, or else the
 * mock.
 */
import { mockServer } from './mock-server.mjs';

const SERVER_PATHS = ['/api', '/console', '/images', '/openapi.json', '/docs', '/errors'];

/**
 * Proxies the server's paths to `EVERGRANT_URL`, or handles them with the mock server if it is not
 * set.
 * @returns {import('vite').Plugin}
 */
export function backend() {
  const { EVERGRANT_URL: target } = process.env;
  return {
    name: 'evergrant-backend',
    apply: 'serve',
    config: () =>
      target ? { server: { proxy: Object.fromEntries(SERVER_PATHS.map((path) => [path, target])) } } : {},
    configureServer(server) {
      if (!target) server.middlewares.use(mockServer());
      server.middlewares.use(rewriteDocuments);
    },
  };
}

/**
 * Serves `return.html` at `/return`, as the server does, and `gallery.html` at `/gallery`.
 * @type {import('vite').Connect.NextHandleFunction}
 */
function rewriteDocuments(request, _response, next) {
  request.url = request.url?.replace(/^\/(return|gallery)(?=$|\?)/, '/$1.html');
  next();
}
