import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EvergrantError } from '../error.js';
import { createSend, type HttpOptions } from '../http.js';
import { problem } from './fake-server.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(respond: (headers: Headers) => Response | Promise<Response>, options: HttpOptions = {}) {
  const sent: { url: string; init: RequestInit; headers: Headers }[] = [];
  const send = createSend({
    ...options,
    fetch: async (input, init = {}) => {
      const headers = new Headers(init.headers);
      sent.push({ url: String(input), init, headers });
      return respond(headers);
    },
  });
  return { send, sent };
}

const ok = () => Response.json({});
const tokens = (...list: (string | null)[]) => vi.fn(async () => list.shift() ?? null);

test('getToken is called once, and its token sent with every request, without cookies', async () => {
  const getToken = tokens('t1');
  const { send, sent } = setUp(ok, { getToken, baseUrl: 'https://vault.example/' });
  await Promise.all([send('status'), send('providers')]);
  await send('status');
  expect(getToken).toHaveBeenCalledTimes(1);
  expect(sent[0]?.url).toBe('https://vault.example/api/integrations/status');
  expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(Array(3).fill('Bearer t1'));
  expect(sent[0]?.init.credentials).toBe('omit');
});

test('concurrent 401 responses share one token refresh', async () => {
  const getToken = tokens('old', 'new', 'never');
  const respond = (headers: Headers) =>
    headers.get('authorization') === 'Bearer new' ? ok() : problem(401, 'UNAUTHENTICATED');
  const { send, sent } = setUp(respond, { getToken });
  await Promise.all([send('status'), send('providers'), send('flows/a')]);
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(sent).toHaveLength(6);
});

test('a late 401 for an old token does not discard the new one', async () => {
  const getToken = tokens('old', 'new', 'never');
  let rejectLate = () => {};
  const late = new Promise<void>((resolve) => (rejectLate = resolve));
  let calls = 0;
  const { send, sent } = setUp(
    async (headers) => {
      if (headers.get('authorization') === 'Bearer new') return ok();
      if (++calls === 2) await late;
      return problem(401, 'UNAUTHENTICATED');
    },
    { getToken },
  );
  const [first, second] = [send('status'), send('providers')];
  await first;
  rejectLate();
  await second;
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(sent.at(-1)?.headers.get('authorization')).toBe('Bearer new');
});

test('a 401 for a fresh token is not retried again', async () => {
  const onUnauthorized = vi.fn();
  const getToken = vi.fn(async () => 'bad');
  const { send, sent } = setUp(() => problem(401, 'UNAUTHENTICATED'), { getToken, onUnauthorized });
  await expect(send('status')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(sent).toHaveLength(2);
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(onUnauthorized).toHaveBeenCalledTimes(1);
});

test('an error thrown by onUnauthorized is reported and does not replace the result', async () => {
  const reported = vi.fn();
  vi.stubGlobal('reportError', reported);
  const onUnauthorized = () => {
    throw new Error('oops');
  };
  const { send } = setUp(() => problem(401, 'UNAUTHENTICATED'), { onUnauthorized });
  await expect(send('status')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(reported).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
});

test('without a token no request is sent', async () => {
  const { send, sent } = setUp(ok, { getToken: () => null });
  await expect(send('status')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(sent).toHaveLength(0);
});

test('a rejected getToken is called again for the next request', async () => {
  const getToken = vi.fn().mockRejectedValueOnce(new TypeError('offline')).mockResolvedValue('t');
  const { send } = setUp(ok, { getToken });
  await expect(send('status')).rejects.toMatchObject({ code: 'BROWSER_OFFLINE', retryable: true });
  await expect(send('status')).resolves.toBeInstanceOf(Response);
});

test('without getToken, cookies and custom headers are sent, and a 401 is not retried', async () => {
  const { send, sent } = setUp(() => problem(401, 'UNAUTHENTICATED'), { headers: () => ({ 'x-csrf': 'c' }) });
  await expect(send('status')).rejects.toBeInstanceOf(EvergrantError);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.init.credentials).toBe('same-origin');
  expect(sent[0]?.headers.get('x-csrf')).toBe('c');
});

test('a problem document becomes an error with all of its members', async () => {
  const fields = [{ field: 'values.sess', message: 'Please fill in sess.' }];
  const { send } = setUp(() =>
    problem(422, 'VALIDATION_ERROR', { detail: 'No.', fields, retryAfterSeconds: 4 }),
  );
  await expect(send('x')).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    message: 'No.',
    status: 422,
    correlationId: 'c1',
    retryAfter: 4,
    fields: { 'values.sess': 'Please fill in sess.' },
  });
});

test('a response without a problem document is classified by its status', async () => {
  const { send } = setUp(() => new Response('<html>', { status: 502, headers: { 'retry-after': '7' } }));
  await expect(send('x')).rejects.toMatchObject({
    code: 'OVERLOADED',
    retryAfter: 7,
    retryable: true,
  });
});

test('a 429 of a proxy is retryable, with Retry-After as seconds or a date', async () => {
  const limited = (retryAfter: string) =>
    setUp(() => new Response('<html>', { status: 429, headers: { 'retry-after': retryAfter } })).send('x');
  vi.setSystemTime('2030-01-01T12:00:00Z');
  const inSeconds = { code: 'RATE_LIMIT_ERROR', retryable: true, retryAfter: 7 };
  await expect(limited('7')).rejects.toMatchObject(inSeconds);
  await expect(limited('Tue, 01 Jan 2030 12:00:07 GMT')).rejects.toMatchObject(inSeconds);
  await expect(limited('Tue, 01 Jan 2030 11:00:00 GMT')).rejects.toMatchObject({ retryAfter: 0 });
  await expect(limited('soon')).rejects.toMatchObject({ retryAfter: undefined });
});

test('a stalled body times out, a stream does not', async () => {
  const stalled: typeof fetch = async (_, init) =>
    new Response(
      new ReadableStream({
        start: (body) => init?.signal?.addEventListener('abort', () => body.error(init.signal?.reason)),
      }),
    );
  const send = createSend({ fetch: stalled });
  const stream = await send('events', { isStream: true });
  const timedOut = expect(send('status')).rejects.toMatchObject({ code: 'BROWSER_OFFLINE' });
  await vi.advanceTimersByTimeAsync(30_000);
  await timedOut;
  const ended = vi.fn();
  void stream.text().catch(ended);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ended).not.toHaveBeenCalled();
});

test('a request without a response times out', async () => {
  const hang: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) =>
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
    );
  const result = createSend({ fetch: hang })('status');
  const timedOut = expect(result).rejects.toMatchObject({ code: 'BROWSER_OFFLINE' });
  await vi.advanceTimersByTimeAsync(30_000);
  await timedOut;
});
