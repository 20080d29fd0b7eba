import { afterEach, expect, test, vi } from 'vitest';
import { createHandlers, createSession, fetchStatus, type HandlersOptions, type User } from '../index.js';

interface RecordedRequest {
  url: string;
  method: string;
  headers: Headers;
  body: string;
}

/**
 * A fake Evergrant server that issues session tokens and echoes the URL of each other request.
 */
function setUp(
  options: Partial<HandlersOptions> = {},
  respond: (request: RecordedRequest) => Response | null = () => null,
) {
  const requests: RecordedRequest[] = [];
  let sessions = 0;
  const fake: typeof fetch = async (input, init = {}) => {
    const request = {
      url: String(input),
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      body: String(init.body ?? ''),
    };
    requests.push(request);
    const response = respond(request);
    if (response) return response;
    if (!request.url.endsWith('/api/sessions')) return Response.json({ path: request.url });
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    return Response.json({ token: `evs_${++sessions}`, expiresAt });
  };
  const user = vi.fn((): User | null => ({ userId: 42 }));
  const handlers = createHandlers({
    url: 'https://vault.example',
    apiKey: 'evg_key',
    user,
    fetch: fake,
    ...options,
  });
  const call = (method: 'GET' | 'POST' | 'DELETE', path: string, init: RequestInit = {}) =>
    handlers[method](
      new Request(`https://app.example/api/integrations/${path}`, {
        method,
        ...init,
        headers: { origin: 'https://app.example', ...(init.headers as Record<string, string>) },
      }),
    );
  return { call, requests, user, sessions: () => sessions, fake };
}

const json = { 'content-type': 'application/json' };
afterEach(() => void vi.useRealTimers());

test.each([
  ['GET', 'status'],
  ['GET', 'providers'],
  ['GET', 'events'],
  ['GET', 'flows/f1'],
  ['POST', 'connect/reddit'],
  ['POST', 'flows/f1/finish'],
  ['POST', 'flows/f1/credentials'],
  ['POST', 'refresh/reddit/sim9z'],
  ['DELETE', 'disconnect/reddit/sim9z?deleteData=true'],
] as const)('%s %s is forwarded with the user’s token, not the API key', async (method, path) => {
  const { call, requests } = setUp();
  const response = await call(method, path, method === 'POST' ? { body: '{}', headers: json } : {});
  expect(response.status).toBe(200);
  expect(requests[1]).toMatchObject({ url: `https://vault.example/api/integrations/${path}`, method });
  expect(requests[1]?.headers.get('authorization')).toBe('Bearer evs_1');
  expect(requests[1]?.headers.get('evergrant-user')).toBeNull();
});

test.each([
  ['GET', 'token/reddit/sim9z'],
  ['POST', 'tokens'],
  ['GET', 'flows/f1/finish'],
  ['GET', 'status/../token/reddit/sim9z'],
  ['GET', 'flows/%2e%2e'],
  ['GET', 'flows/..%2f..'],
  ['DELETE', 'disconnect/reddit'],
  ['POST', '../sessions'],
  ['GET', ''],
] as const)('%s %s is not forwarded', async (method, path) => {
  const { call, requests } = setUp();
  const response = await call(method, path, method === 'POST' ? { body: '{}', headers: json } : {});
  if (path === 'flows/..%2f..') {
    // Forwarded as one segment: the server reads it as a flow id.
    expect(requests.at(-1)?.url).toBe('https://vault.example/api/integrations/flows/..%2f..');
    return;
  }
  expect(response.status).toBe(404);
  expect(requests).toEqual([]);
});

test('without a user the response is 401 and nothing is sent', async () => {
  const { call, requests } = setUp({ user: () => null });
  const response = await call('GET', 'status');
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(requests).toEqual([]);
});

test.each([
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site', origin: '' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/x-www-form-urlencoded' },
])('a cross-site request is rejected: %o', async (headers) => {
  const { requests, fake } = setUp();
  const handlers = createHandlers({
    url: 'https://vault.example',
    apiKey: 'k',
    user: () => ({ userId: 1 }),
    fetch: fake,
  });
  const all = Object.entries({ origin: 'https://app.example', ...json, ...headers }).filter(
    ([, value]) => value,
  );
  const request = new Request('https://app.example/api/integrations/refresh/reddit/a', {
    method: 'POST',
    headers: Object.fromEntries(all),
    body: '{}',
  });
  expect((await handlers.POST(request)).status).toBe(403);
  expect(requests).toEqual([]);
});

test('origins overrides the origin of the request', async () => {
  const { call } = setUp({ origins: ['https://www.app.example'] });
  const from = (origin: string) => call('DELETE', 'disconnect/reddit/a', { headers: { origin } });
  expect((await from('https://www.app.example')).status).toBe(200);
  expect((await from('https://app.example')).status).toBe(403);
});

test('cookies and unlisted headers are not forwarded in either direction', async () => {
  const headers = { etag: '"1"', 'set-cookie': 'a=b', 'x-internal': '1', 'retry-after': '3' };
  const { call, requests } = setUp({}, ({ url }) =>
    url.endsWith('status') ? Response.json({}, { headers }) : null,
  );
  const response = await call('GET', 'status', {
    headers: { cookie: 'session=1', 'if-none-match': '"1"', 'x-other': '1' },
  });
  expect(Object.fromEntries(response.headers)).toEqual({
    'content-type': 'application/json',
    etag: '"1"',
    'retry-after': '3',
  });
  expect(requests[1]?.headers.get('cookie')).toBeNull();
  expect(requests[1]?.headers.get('x-other')).toBeNull();
  expect(requests[1]?.headers.get('if-none-match')).toBe('"1"');
});

test('a session is reused until shortly before it expires, and shared by calls', async () => {
  vi.useFakeTimers();
  const { call, sessions } = setUp();
  await Promise.all([call('GET', 'status'), call('GET', 'providers')]);
  await call('GET', 'status');
  expect(sessions()).toBe(1);
  vi.advanceTimersByTime(845_000);
  await Promise.all([call('GET', 'status'), call('GET', 'providers')]);
  expect(sessions()).toBe(2);
});

test('a session that ended early is replaced once', async () => {
  const { call, sessions } = setUp({}, ({ url, headers }) =>
    !url.endsWith('sessions') && headers.get('authorization') === 'Bearer evs_1'
      ? new Response(null, { status: 401 })
      : null,
  );
  expect((await call('GET', 'status')).status).toBe(200);
  expect(sessions()).toBe(2);
});

test('a rejected API key is a 500 response that does not contain the key', async () => {
  const { call } = setUp({}, ({ url }) =>
    url.endsWith('sessions') ? new Response('no', { status: 401 }) : null,
  );
  const response = await call('GET', 'status');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('evg_key');
});

test('an unreachable server is a 503 response that blames no platform', async () => {
  const { call } = setUp({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
  const response = await call('GET', 'status');
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'OVERLOADED', retryable: true });
});

test('a rate limit on sessions is passed on with Retry-After and correlation id', async () => {
  const limit = { code: 'RATE_LIMIT_ERROR', retryable: true, correlationId: 'c1', retryAfterSeconds: 9 };
  const { call } = setUp({}, ({ url }) =>
    url.endsWith('sessions') ? Response.json(limit, { status: 429 }) : null,
  );
  const response = await call('GET', 'status');
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('9');
  expect(await response.json()).toMatchObject(limit);
});

test('events are streamed without buffering', async () => {
  let push: (text: string) => void = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      push = (text) => controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const { call } = setUp({}, ({ url }) =>
    url.endsWith('events')
      ? new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
      : null,
  );
  const response = await call('GET', 'events', { headers: { 'last-event-id': '4' } });
  const reader = response.body?.getReader();
  push('event: ready\n');
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('event: ready\n');
});

test('createSession requests a token for the user with the API key', async () => {
  const { requests, fake } = setUp();
  const session = await createSession({
    url: 'https://vault.example/',
    apiKey: 'evg_key',
    externalId: 'a/b',
    fetch: fake,
  });
  expect(session.token).toBe('evs_1');
  expect(requests[0]?.headers.get('authorization')).toBe('Bearer evg_key');
  expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ externalId: 'a/b' });
});

test('fetchStatus reads accounts and providers for one user', async () => {
  const { requests, fake } = setUp({}, ({ url }) =>
    Response.json(url.endsWith('status') ? { version: 3, integrations: [] } : { providers: [] }),
  );
  const status = await fetchStatus({
    url: 'https://vault.example',
    apiKey: 'evg_key',
    externalId: 'ü 1',
    fetch: fake,
  });
  expect(status).toEqual({ version: 3, integrations: [], providers: [] });
  expect(requests.map(({ headers }) => headers.get('evergrant-user'))).toEqual([
    'ext:%C3%BC%201',
    'ext:%C3%BC%201',
  ]);
});
