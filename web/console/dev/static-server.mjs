/** Serves what was built as the program does, with the same headers; whatever is not a file of it goes to `backend`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const DIST = new URL('../dist/', import.meta.url);
/** Paths of the server's own. */
const SERVED = /^\/(?:api|console|connect|docs|errors|images|portal|mock)(?:\/|$)|^\/openapi\.json$/;
const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

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
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
};

/** @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} Handler */

/**
 * `onDocument` may set headers, such as a cookie's, before a document is sent.
 * @param {Handler} backend @param {(...call: Parameters<Handler>) => Promise<void>} onDocument
 * @returns {Promise<{ url: string, close(): void }>}
 */
export async function serveConsole(backend, onDocument = async () => {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (SERVED.test(pathname)) return backend(request, response);
    if (!pathname.startsWith('/assets/')) await onDocument(request, response);
    file(pathname, request, response);
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

/** @type {(pathname: string, ...exchange: Parameters<Handler>) => void} */
function file(pathname, request, response) {
  const isAsset = pathname.startsWith('/assets/');
  const name = isAsset ? pathname.slice(1) : pathname === '/return' ? 'return.html' : 'index.html';
  const type = TYPES[/** @type {keyof typeof TYPES} */ (name.split('.').at(-1))];
  const isBrotli = /\bbr\b/.test(String(request.headers['accept-encoding']));
  const headers = {
    ...HEADERS,
    'content-type': type,
    'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'Accept-Encoding',
    ...(isBrotli ? { 'content-encoding': 'br' } : {}),
  };
  try {
    if (!type) throw new Error(`nothing ends like ${name}`);
    const content = readFileSync(new URL(isBrotli ? `${name}.br` : name, DIST));
    response.writeHead(200, headers).end(content);
  } catch {
    response.writeHead(404, HEADERS).end();
  }
}
