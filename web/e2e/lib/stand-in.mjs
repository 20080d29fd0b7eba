/**
 * The console's part of the server, for a program that has none yet: serves what was built, opens portal links, keeps
 * the session's cookie, and passes the API on with a session token. What it answers is what the program answers.
 */
import { randomBytes } from 'node:crypto';
import { request as send } from 'node:http';
import { serveConsole } from '../../console/dev/static-server.mjs';

const PEOPLE = [
  { id: 1, name: 'Demo creator', email: null, externalId: 'demo-creator' },
  { id: 2, name: 'New user', email: null, externalId: 'new-user' },
];
const COOKIE = 'evergrant_stand_in';
const CLOSED =
  '<!doctype html><html lang="en"><title>Link closed</title><main><h1>This link opens nothing any more</h1></main></html>';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {{ id: string, userId: number, token: string, csrfToken: string }} Session
 * @typedef {{ url: string, close(): void, portal(userId: number): string }} StandIn
 */

/** @param {() => { url: string, apiKey: string }} program @returns {Promise<StandIn>} */
export async function standIn(program) {
  const sessions = new Sessions(program);

  /** @param {Request} request @param {Response} response */
  async function answer(request, response) {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname.startsWith('/portal/'))
      return sessions.open(pathname.slice('/portal/'.length), request, response);
    const known = sessions.of(request);
    if (pathname.startsWith('/api/')) return pass(request, response, program().url, known);
    if (pathname !== '/console/session') return response.writeHead(404).end();
    if (!known) return problem(response, 401, 'UNAUTHENTICATED');
    if (request.method === 'GET') return shown(response, known);
    if (!isOurs(request, known)) return problem(response, 403, 'FORBIDDEN');
    const { userId = 0 } = request.method === 'POST' ? JSON.parse(await textOf(request)) : {};
    await sessions.end(known, response);
    if (request.method === 'DELETE') return response.writeHead(204).end();
    shown(response, await sessions.begin(response, userId));
  }

  /** @param {Request} request @param {Response} response @param {string} origin @param {Session | undefined} known */
  function pass(request, response, origin, known) {
    if (!known) return problem(response, 401, 'UNAUTHENTICATED');
    if (!isOurs(request, known)) return problem(response, 403, 'FORBIDDEN');
    passOn(request, response, origin, known, () => sessions.forget(known));
  }

  const served = await serveConsole(
    (request, response) =>
      void answer(request, response).catch(() => problem(response, 502, 'NETWORK_ERROR')),
    // As in `dev`: whoever opens it is the first of the people.
    async (request, response) => {
      if (!sessions.of(request)) await sessions.begin(response, 1).catch(() => {});
    },
  );
  return { ...served, portal: (userId) => `${served.url}/portal/${sessions.link(userId)}` };
}

/** A cookie each, and behind it a session token of the program. */
class Sessions {
  /** @type {Map<string, Session>} */
  #known = new Map();
  /** @type {Map<string, number>} */
  #links = new Map();
  #program;

  /** @param {() => { url: string, apiKey: string }} program */
  constructor(program) {
    this.#program = program;
  }

  /** @param {Request} request */
  of({ headers }) {
    return this.#known.get(new RegExp(`${COOKIE}=(\\w+)`).exec(headers.cookie ?? '')?.[1] ?? '');
  }

  /** @param {Response} response @param {number} userId */
  async begin(response, userId) {
    const { url, apiKey } = this.#program();
    const answer = await fetch(`${url}/api/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    });
    const { token } = await answer.json();
    const [id, csrfToken] = [randomText(), randomText()];
    const session = { id, userId, token, csrfToken };
    this.#known.set(id, session);
    response.setHeader('set-cookie', `${COOKIE}=${id}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax`);
    return session;
  }

  /** The code of a link. @param {number} userId */
  link(userId) {
    const code = randomText();
    this.#links.set(code, userId);
    return code;
  }

  /** Once, and whoever was signed in before is signed out. @param {string} code @param {Request} request @param {Response} response */
  async open(code, request, response) {
    const userId = this.#links.get(code);
    if (!this.#links.delete(code) || !userId) {
      return response
        .writeHead(410, { 'content-type': 'text/html', 'cache-control': 'no-store' })
        .end(CLOSED);
    }
    const before = this.of(request);
    if (before) await this.end(before, response);
    await this.begin(response, userId);
    response.writeHead(303, { location: '/integrations', 'cache-control': 'no-store' }).end();
  }

  /** @param {Session} session @param {Response} response */
  async end(session, response) {
    this.forget(session);
    response.setHeader('set-cookie', `${COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`);
    const headers = { authorization: `Bearer ${session.token}` };
    await fetch(`${this.#program().url}/api/sessions`, { method: 'DELETE', headers }).catch(() => {});
  }

  /** @param {Session} session */
  forget({ id }) {
    this.#known.delete(id);
  }
}

/** @param {Request} request @param {Session} session */
function isOurs({ method, headers }, { csrfToken }) {
  return method === 'GET' || headers['x-csrf-token'] === csrfToken;
}

/**
 * @param {Request} request @param {Response} response @param {string} origin @param {Session} session
 * @param {() => void} onRefused the session has ended
 */
function passOn(request, response, origin, { token }, onRefused) {
  const { cookie: _cookie, origin: _origin, ...headers } = request.headers;
  const options = { method: request.method, headers: { ...headers, authorization: `Bearer ${token}` } };
  const upstream = send(new URL(request.url ?? '/', origin), options, (answer) => {
    if (answer.statusCode === 401) onRefused();
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
  const user = PEOPLE.find(({ id }) => id === userId);
  const expiresAt = new Date(Date.now() + 43_200_000).toISOString();
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

const randomText = () => randomBytes(16).toString('hex');

/** @param {Request} request */
async function textOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}
