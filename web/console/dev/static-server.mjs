/**
 * Serves the build with the same headers as the Evergrant server; its API paths go to `backend`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const DIST = new URL('../dist/', import.meta.url);
/** Paths that the server handles itself. */
const SERVER_PATHS = /^\/(?:api|console|connect|docs|errors|images|portal|mock)(?:\/|$)|^\/openapi\.json$/;
/** The document of each page. */
const DOCUMENTS = new Map([
  ['/', 'index.html'],
  ['/integrations', 'index.html'],
  ['/return', 'return.html'],
]);
const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** Headers of every document and asset. */
export const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin-allow-popups',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} Handler */

/**
 * Serves `dist/` on a free port. `onDocument` may set headers, such as a cookie's, before a
 * document is sent.
 * @param {Handler} backend @param {(...call: Parameters<Handler>) => Promise<void>} onDocument
 * @returns {Promise<{ url: string, close(): void }>}
 */
export async function serveConsole(backend, onDocument = async () => {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (SERVER_PATHS.test(pathname)) return backend(request, response);
    if (!pathname.startsWith('/assets/')) await onDocument(request, response);
    serveFile(pathname, request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${address.port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @type {(pathname: string, ...call: Parameters<Handler>) => void} */
function serveFile(pathname, request, response) {
  const isAsset = pathname.startsWith('/assets/');
  const known = isAsset ? pathname.slice(1) : DOCUMENTS.get(pathname);
  // A browser gets the console's "page not found"; other clients get the 404 status alone.
  const name = known ?? (/text\/html/.test(String(request.headers.accept)) ? 'index.html' : '');
  const type = TYPES[/** @type {keyof typeof TYPES} */ (name.split('.').at(-1))];
  const isBrotli = /\bbr\b/.test(String(request.headers['accept-encoding']));
  const content = type && read(isBrotli ? `${name}.br` : name);
  if (!content) return void response.writeHead(404, HEADERS).end();
  const headers = {
    ...HEADERS,
    'content-type': type,
    'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'Accept-Encoding',
    ...(isBrotli ? { 'content-encoding': 'br' } : {}),
  };
  response.writeHead(known ? 200 : 404, headers).end(content);
}

/** @param {string} name */
function read(name) {
  try {
    return readFileSync(new URL(name, DIST));
  } catch {
    return null;
  }
}
