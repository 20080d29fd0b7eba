import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EvergrantError } from '../error.js';
import { createSend, type HttpOptions } from '../http.js';
import { problem } from './fake-server.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(answer: (headers: Headers) => Response | Promise<Response>, options: HttpOptions = {}) {
  const sent: { url: string; init: RequestInit; headers: Headers }[] = [];
  const send = createSend({
    ...options,
    fetch: async (input, init = {}) => {
      const headers = new Headers(init.headers);
      sent.push({ url: String(input), init, headers });
      return answer(headers);
    },
  });
  return { send, sent };
}

const ok = () => Response.json({});
const tokens = (...list: (string | null)[]) => vi.fn(async () => list.shift() ?? null);

test('a token is asked for once and sent with each call, without cookies', async () => {
  const getToken = tokens('t1');
  const { send, sent } = setUp(ok, { getToken, baseUrl: 'https://vault.example/' });
  await Promise.all([send('status'), send('providers')]);
  await send('status');
  expect(getToken).toHaveBeenCalledTimes(1);
  expect(sent[0]?.url).toBe('https://vault.example/api/integrations/status');
  expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(Array(3).fill('Bearer t1'));
  expect(sent[0]?.init.credentials).toBe('omit');
});

test('a refused token is asked for again, once, by all that it failed', async () => {
  const getToken = tokens('old', 'new', 'never');
  const answer = (headers: Headers) =>
    headers.get('authorization') === 'Bearer new' ? ok() : problem(401, 'UNAUTHENTICATED');
  const { send, sent } = setUp(answer, { getToken });
  await Promise.all([send('status'), send('providers'), send('flows/a')]);
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(sent).toHaveLength(6);
});

test('a refusal that comes late does not cost the newer token', async () => {
  const getToken = tokens('old', 'new', 'never');
  let refuseLate = () => {};
  const late = new Promise<void>((resolve) => (refuseLate = resolve));
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
  refuseLate();
  await second;
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(sent.at(-1)?.headers.get('authorization')).toBe('Bearer new');
});

test('a fresh token that is refused too is the end: no third call', async () => {
  const onUnauthorized = vi.fn();
  const getToken = vi.fn(async () => 'bad');
  const { send, sent } = setUp(() => problem(401, 'UNAUTHENTICATED'), { getToken, onUnauthorized });
  await expect(send('status')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(sent).toHaveLength(2);
  expect(getToken).toHaveBeenCalledTimes(2);
  expect(onUnauthorized).toHaveBeenCalledTimes(1);
});

test('an app that fails at what it is told changes nothing of what came of the call', async () => {
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

test('nobody is signed in: nothing is sent', async () => {
  const { send, sent } = setUp(ok, { getToken: () => null });
  await expect(send('status')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(sent).toHaveLength(0);
});

test('a token route that fails is asked again the next time', async () => {
  const getToken = vi.fn().mockRejectedValueOnce(new TypeError('offline')).mockResolvedValue('t');
  const { send } = setUp(ok, { getToken });
  await expect(send('status')).rejects.toMatchObject({ code: 'NETWORK_ERROR', retryable: true });
  await expect(send('status')).resolves.toBeInstanceOf(Response);
});

test('a cookie session sends the page’s cookies and further headers, and is refused once', async () => {
  const { send, sent } = setUp(() => problem(401, 'UNAUTHENTICATED'), { headers: () => ({ 'x-csrf': 'c' }) });
  await expect(send('status')).rejects.toBeInstanceOf(EvergrantError);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.init.credentials).toBe('same-origin');
  expect(sent[0]?.headers.get('x-csrf')).toBe('c');
});

test('a problem document is an error with all that it says', async () => {
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

test('an answer that is no document is told by its status', async () => {
  const { send } = setUp(() => new Response('<html>', { status: 502, headers: { 'retry-after': '7' } }));
  await expect(send('x')).rejects.toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    retryAfter: 7,
    retryable: true,
  });
});

test('a limit without a document, as of a proxy before the server, may be tried again', async () => {
  const limited = (retryAfter: string) =>
    setUp(() => new Response('<html>', { status: 429, headers: { 'retry-after': retryAfter } })).send('x');
  vi.setSystemTime('2030-01-01T12:00:00Z');
  const inSeconds = { code: 'RATE_LIMIT_ERROR', retryable: true, retryAfter: 7 };
  await expect(limited('7')).rejects.toMatchObject(inSeconds);
  await expect(limited('Tue, 01 Jan 2030 12:00:07 GMT')).rejects.toMatchObject(inSeconds);
  await expect(limited('Tue, 01 Jan 2030 11:00:00 GMT')).rejects.toMatchObject({ retryAfter: 0 });
  await expect(limited('soon')).rejects.toMatchObject({ retryAfter: undefined });
});

test('a body that stops on its way is given up; a stream may go on', async () => {
  const stalled: typeof fetch = async (_, init) =>
    new Response(
      new ReadableStream({
        start: (body) => init?.signal?.addEventListener('abort', () => body.error(init.signal?.reason)),
      }),
    );
  const send = createSend({ fetch: stalled });
  const stream = await send('events', { isStream: true });
  const told = expect(send('status')).rejects.toMatchObject({ code: 'TIMEOUT_ERROR' });
  await vi.advanceTimersByTimeAsync(30_000);
  await told;
  const ended = vi.fn();
  void stream.text().catch(ended);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ended).not.toHaveBeenCalled();
});

test('no answer in time is told as such', async () => {
  const hang: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) =>
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
    );
  const result = createSend({ fetch: hang })('status');
  const told = expect(result).rejects.toMatchObject({ code: 'TIMEOUT_ERROR' });
  await vi.advanceTimersByTimeAsync(30_000);
  await told;
});
