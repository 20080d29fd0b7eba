/**
 * The console's part of the server, for a program that has none yet: serves what was built, keeps the session's cookie,
 * and passes the API on with a session token. What it answers is what the program owes (`console/README.md`).
 */
import { randomBytes } from 'node:crypto';
import { request as send } from 'node:http';
import { serveConsole } from '../../console/dev/static-server.mjs';

const PEOPLE = [
  { id: 1, name: 'Demo creator' },
  { id: 2, name: 'New user' },
];
const COOKIE = 'evergrant_stand_in';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {{ userId: number, token: string, csrfToken: string }} Session
 */

/** @param {() => { url: string, apiKey: string }} program */
export function standIn(program) {
  /** @type {Map<string, Session>} */
  const sessions = new Map();

  /** @param {Response} response @param {number} userId */
  async function begin(response, userId) {
    const { url, apiKey } = program();
    const answer = await fetch(`${url}/api/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    });
    const { token } = await answer.json();
    const session = { userId, token, csrfToken: randomBytes(16).toString('hex') };
    const id = randomBytes(16).toString('hex');
    sessions.set(id, session);
    response.setHeader('set-cookie', `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`);
    return session;
  }

  /** @param {Request} request @param {Response} response */
  async function answer(request, response) {
    const id = cookieOf(request);
    const known = sessions.get(id);
    if (!known) return problem(response, 401, 'UNAUTHENTICATED');
    const isSafe = request.method === 'GET';
    if (!isSafe && request.headers['x-csrf-token'] !== known.csrfToken)
      return problem(response, 403, 'FORBIDDEN');
    if (request.url?.startsWith('/api/')) return pass(request, response, program().url, known.token);
    if (isSafe) return shown(response, known);
    sessions.delete(id);
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    const { userId } = JSON.parse(await textOf(request));
    shown(response, await begin(response, userId));
  }

  return serveConsole(
    (request, response) =>
      void answer(request, response).catch(() => problem(response, 502, 'NETWORK_ERROR')),
    // As in `dev`: whoever opens it is the first of the people.
    async (request, response) => {
      if (!sessions.has(cookieOf(request))) await begin(response, 1).catch(() => {});
    },
  );
}

/** @param {Request} request @param {Response} response @param {string} origin @param {string} token */
function pass(request, response, origin, token) {
  const { cookie: _cookie, origin: _origin, ...headers } = request.headers;
  const options = { method: request.method, headers: { ...headers, authorization: `Bearer ${token}` } };
  const upstream = send(new URL(request.url ?? '/', origin), options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    // A stream that breaks off on one side breaks off on the other.
    answer.on('error', () => response.destroy());
  });
  upstream.on('error', () => (response.headersSent ? response.destroy() : response.socket?.destroy()));
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

/** @param {Response} response @param {Session} session */
function shown(response, { userId, csrfToken }) {
  const user = { ...PEOPLE.find(({ id }) => id === userId), email: null };
  const expiresAt = new Date(Date.now() + 900_000).toISOString();
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ user, csrfToken, expiresAt, people: PEOPLE, version: '0.1.0', dev: true }));
}

/** @param {Response} response @param {number} status @param {string} code */
function problem(response, status, code) {
  response.writeHead(status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  response.end(
    JSON.stringify({ type: `/errors#${code}`, title: code, status, code, retryable: status >= 500 }),
  );
}

/** @param {Request} request */
function cookieOf({ headers }) {
  return new RegExp(`${COOKIE}=(\\w+)`).exec(headers.cookie ?? '')?.[1] ?? '';
}

/** @param {Request} request */
async function textOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}
