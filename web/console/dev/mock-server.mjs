/**
 * Mock of the Evergrant server for developing the console without one: the session routes, the
 * browser's API, and a consent page. Not part of the build.
 */
import { randomBytes } from 'node:crypto';
import { USERS, PROVIDERS, MockState } from './mock-state.mjs';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {{ request: Request, response: Response, url: URL, userId: number, body: any, parts: string[] }} Call
 */

const COOKIE = 'mock';
const CSRF = randomBytes(8).toString('hex');

/** Returns a handler for the server's paths; it passes any other request to `next`. */
export function mockServer() {
  const state = new MockState();
  const routes = { console: consoleSession, api: (/** @type {Call} */ call) => api(state, call) };
  return async (
    /** @type {Request} */ request,
    /** @type {Response} */ response,
    /** @type {() => void} */ next,
  ) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const call = { request, response, url, userId: userIdOf(request), body: await bodyOf(request), parts };
    if (url.searchParams.has('as')) return signIn(call);
    if (parts[0] === 'mock') return consent(state, call);
    const route = parts[0] === 'console' || parts[0] === 'api' ? routes[parts[0]] : undefined;
    if (!route) return next();
    if (call.userId === 0) return problem(response, 401, 'UNAUTHENTICATED');
    const isSafe = request.method === 'GET';
    if (!isSafe && request.headers['x-csrf-token'] !== CSRF) return problem(response, 403, 'FORBIDDEN');
    route(call);
  };
}

/** `?as=8` signs in as user 8, `?as=0` signs out. @param {Call} call */
function signIn({ response, url }) {
  setUser(response, Number(url.searchParams.get('as')));
  url.searchParams.delete('as');
  redirect(response, url.pathname + url.search);
}

/** @param {Call} call */
function consoleSession({ request, response, userId, body }) {
  if (request.method === 'DELETE') {
    setUser(response, 0);
    return response.writeHead(204).end();
  }
  const user = USERS.find(({ id }) => id === (body?.userId ?? userId));
  if (!user) return problem(response, 422, 'VALIDATION_ERROR');
  setUser(response, user.id);
  const expiresAt = new Date(Date.now() + 900_000).toISOString();
  json(response, {
    user: { ...user, email: null },
    csrfToken: CSRF,
    expiresAt,
    people: USERS,
    version: '0.1.0',
    dev: true,
  });
}

/** @param {MockState} state @param {Call} call */
function api(state, call) {
  const { request, response, parts, userId, body } = call;
  const [, , verb = '', name = '', rest = ''] = parts;
  const user = state.user(userId);
  const flow = state.flows.get(name);
  const { version, integrations } = user;
  if (verb === 'status') return json(response, { version, integrations });
  if (verb === 'providers') return json(response, { providers: PROVIDERS });
  if (verb === 'events') return events(state, call);
  if (verb === 'connect') return connect(state, call, name);
  if (verb === 'refresh') return refresh(state, call, name, rest);
  if (verb === 'disconnect') {
    state.change(userId, name, rest, 'disconnected');
    return json(response, { success: true, revocation: 'revoked', message: 'Disconnected.' });
  }
  if (verb !== 'flows' || flow?.userId !== userId) return problem(response, 404, 'NOT_FOUND');
  if (request.method === 'GET') return json(response, flow.state);
  if (rest === 'finish') return integrationsOr(response, state.finish(flow, body), 400, 'INVALID_STATE');
  const fields = [{ field: 'values.sess', message: 'OnlyFans rejected this session.' }];
  integrationsOr(response, state.submitSession(flow, body.values), 422, 'VALIDATION_ERROR', { fields });
}

/** @param {MockState} state @param {Call} call @param {string} provider */
function connect(state, { response, url, userId, body }, provider) {
  const flow = state.startFlow(userId, provider, body);
  const authUrl = `${url.origin}/mock?flow=${flow.id}`;
  const expiresAt = new Date(Date.now() + 600_000).toISOString();
  json(response, { authUrl, state: flow.id, flowId: flow.id, expiresAt });
}

/**
 * @param {MockState} state @param {Call} call @param {string} provider @param {string} accountId
 */
function refresh(state, { response, userId }, provider, accountId) {
  const now = new Date().toISOString();
  const change = { status: 'connected', isConnected: true, statusReason: null, lastRefreshedAt: now };
  state.change(userId, provider, accountId, 'refreshed', change);
  json(response, { success: true, expiresAt: null });
}

/** @param {MockState} state @param {Call} call */
function events(state, { request, response, userId }) {
  const user = state.user(userId);
  const send = (/** @type {string} */ name, /** @type {object} */ data) => {
    response.write(`id: ${user.version}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  send('ready', { version: user.version });
  user.listeners.add(send);
  request.on('close', () => user.listeners.delete(send));
}

/**
 * The platform's consent page, with a link to allow and one to deny.
 * @param {MockState} state @param {Call} call
 */
function consent(state, { response, url }) {
  const flow = state.flows.get(url.searchParams.get('flow') ?? '');
  const decision = url.searchParams.get('decision');
  if (!flow) return problem(response, 404, 'FLOW_NOT_FOUND');
  if (decision) {
    state.consent(flow, decision === 'allow');
    return redirect(response, returnUrl(flow, decision === 'allow'));
  }
  const link = (/** @type {string} */ value, /** @type {string} */ text) =>
    `<p><a href="?flow=${flow.id}&decision=${value}">${text}</a>`;
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(`<!doctype html><title>Mock</title>${link('allow', 'Allow')}${link('deny', 'Deny')}`);
}

/**
 * Returns the URL that the consent page redirects to.
 * @param {import('./mock-state.mjs').Flow} flow @param {boolean} allowed
 */
function returnUrl({ redirectUrl, provider, id, receipt }, allowed) {
  const target = new URL(redirectUrl);
  const result = allowed
    ? { status: 'pending', flowId: id, receipt }
    : { status: 'error', code: 'OAUTH_DENIED', correlationId: 'mock' };
  for (const [name, value] of Object.entries({ integration: provider, ...result })) {
    target.searchParams.set(name, value);
  }
  return target.href;
}

/** Returns the user id in the cookie, or the first user without one. @param {Request} request */
function userIdOf({ headers }) {
  const [, id = USERS[0]?.id] = /mock=(\d+)/.exec(headers.cookie ?? '') ?? [];
  return Number(id);
}

/** @param {Response} response @param {number} id */
function setUser(response, id) {
  response.setHeader('set-cookie', `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`);
}

/** @param {Request} request */
async function bodyOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

/** @param {Response} response @param {string} location */
function redirect(response, location) {
  response.writeHead(303, { location }).end();
}

/** @param {Response} response @param {object} body */
function json(response, body, status = 200, type = 'application/json') {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** @param {Response} response @param {number} status @param {string} code */
function problem(response, status, code, more = {}) {
  const document = { type: `/errors#${code}`, title: code, status, code, retryable: false, ...more };
  json(response, document, status, 'application/problem+json');
}

/**
 * Sends `integrations`, or a problem if it is null.
 * @param {Response} response @param {object[] | null} integrations @param {number} status
 * @param {string} code
 */
function integrationsOr(response, integrations, status, code, more = {}) {
  if (integrations) json(response, { integrations });
  else problem(response, status, code, more);
}
