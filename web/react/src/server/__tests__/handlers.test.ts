import { afterEach, expect, test, vi } from 'vitest';
import { createHandlers, createSession, fetchStatus, type HandlersOptions, type User } from '../index.js';

interface Seen {
  url: string;
  method: string;
  headers: Headers;
  body: string;
}

/** Evergrant, seen from a server: gives session tokens, and answers each call with what it was asked. */
function setUp(options: Partial<HandlersOptions> = {}, answer: (seen: Seen) => Response | null = () => null) {
  const seen: Seen[] = [];
  let sessions = 0;
  const fake: typeof fetch = async (input, init = {}) => {
    const one = {
      url: String(input),
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      body: String(init.body ?? ''),
    };
    seen.push(one);
    const answered = answer(one);
    if (answered) return answered;
    if (!one.url.endsWith('/api/sessions')) return Response.json({ path: one.url });
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
  return { call, seen, user, sessions: () => sessions, fake };
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
] as const)('%s %s is passed on as the user, not as the app', async (method, path) => {
  const { call, seen } = setUp();
  const response = await call(method, path, method === 'POST' ? { body: '{}', headers: json } : {});
  expect(response.status).toBe(200);
  expect(seen[1]).toMatchObject({ url: `https://vault.example/api/integrations/${path}`, method });
  expect(seen[1]?.headers.get('authorization')).toBe('Bearer evs_1');
  expect(seen[1]?.headers.get('evergrant-user')).toBeNull();
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
] as const)('%s %s is no route of a browser', async (method, path) => {
  const { call, seen } = setUp();
  const response = await call(method, path, method === 'POST' ? { body: '{}', headers: json } : {});
  if (path === 'flows/..%2f..') {
    // One segment, which stays one: the server reads it as the name of a flow.
    expect(seen.at(-1)?.url).toBe('https://vault.example/api/integrations/flows/..%2f..');
    return;
  }
  expect(response.status).toBe(404);
  expect(seen).toEqual([]);
});

test('nobody is signed in: nothing is sent', async () => {
  const { call, seen } = setUp({ user: () => null });
  const response = await call('GET', 'status');
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(seen).toEqual([]);
});

test.each([
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site', origin: '' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/x-www-form-urlencoded' },
])('another site cannot act for the user: %o', async (headers) => {
  const { seen, fake } = setUp();
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
  expect(seen).toEqual([]);
});

test('an app behind a proxy names its origins', async () => {
  const { call } = setUp({ origins: ['https://www.app.example'] });
  const from = (origin: string) => call('DELETE', 'disconnect/reddit/a', { headers: { origin } });
  expect((await from('https://www.app.example')).status).toBe(200);
  expect((await from('https://app.example')).status).toBe(403);
});

test('neither cookies nor other headers pass, in either direction', async () => {
  const headers = { etag: '"1"', 'set-cookie': 'a=b', 'x-internal': '1', 'retry-after': '3' };
  const { call, seen } = setUp({}, ({ url }) =>
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
  expect(seen[1]?.headers.get('cookie')).toBeNull();
  expect(seen[1]?.headers.get('x-other')).toBeNull();
  expect(seen[1]?.headers.get('if-none-match')).toBe('"1"');
});

test('a session is kept until shortly before its end, and made once by many', async () => {
  vi.useFakeTimers();
  const { call, sessions } = setUp();
  await Promise.all([call('GET', 'status'), call('GET', 'providers')]);
  await call('GET', 'status');
  expect(sessions()).toBe(1);
  vi.advanceTimersByTime(845_000);
  await Promise.all([call('GET', 'status'), call('GET', 'providers')]);
  expect(sessions()).toBe(2);
});

test('a session that was ended early is made anew, once', async () => {
  const { call, sessions } = setUp({}, ({ url, headers }) =>
    !url.endsWith('sessions') && headers.get('authorization') === 'Bearer evs_1'
      ? new Response(null, { status: 401 })
      : null,
  );
  expect((await call('GET', 'status')).status).toBe(200);
  expect(sessions()).toBe(2);
});

test('that the app’s key is refused is not told as the user’s fault, nor told what the key is', async () => {
  const { call } = setUp({}, ({ url }) =>
    url.endsWith('sessions') ? new Response('no', { status: 401 }) : null,
  );
  const response = await call('GET', 'status');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('evg_key');
});

test('a server that cannot be reached is told as such', async () => {
  const { call } = setUp({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
  const response = await call('GET', 'status');
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ code: 'NETWORK_ERROR', retryable: true });
});

test('a limit on sessions is told as it was: how long to wait, and what finds it in the log', async () => {
  const limit = { code: 'RATE_LIMIT_ERROR', retryable: true, correlationId: 'c1', retryAfterSeconds: 9 };
  const { call } = setUp({}, ({ url }) =>
    url.endsWith('sessions') ? Response.json(limit, { status: 429 }) : null,
  );
  const response = await call('GET', 'status');
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('9');
  expect(await response.json()).toMatchObject(limit);
});

test('events flow through as they come', async () => {
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

test('a token route asks for a token of the user', async () => {
  const { seen, fake } = setUp();
  const session = await createSession({
    url: 'https://vault.example/',
    apiKey: 'evg_key',
    externalId: 'a/b',
    fetch: fake,
  });
  expect(session.token).toBe('evs_1');
  expect(seen[0]?.headers.get('authorization')).toBe('Bearer evg_key');
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ externalId: 'a/b' });
});

test('a server component reads both lists for one user', async () => {
  const { seen, fake } = setUp({}, ({ url }) =>
    Response.json(url.endsWith('status') ? { version: 3, integrations: [] } : { providers: [] }),
  );
  const status = await fetchStatus({
    url: 'https://vault.example',
    apiKey: 'evg_key',
    externalId: 'ü 1',
    fetch: fake,
  });
  expect(status).toEqual({ version: 3, integrations: [], providers: [] });
  expect(seen.map(({ headers }) => headers.get('evergrant-user'))).toEqual([
    'ext:%C3%BC%201',
    'ext:%C3%BC%201',
  ]);
});
