import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runReturnPage } from '../index.js';

const address = location.href;
let element: HTMLElement;
beforeEach(() => {
  element = document.body.appendChild(document.createElement('main'));
});
afterEach(() => {
  element.remove();
  localStorage.clear();
  sessionStorage.clear();
  history.replaceState(null, '', address);
});

/** The address that a consent comes back to, in a browser that began the flow in this mode, or in another one. */
function comeBack(
  mode: 'popup' | 'redirect' | null,
  status = 'pending',
  returnTo = `${location.origin}/settings#a`,
) {
  const url = new URL(address);
  const given = {
    integration: 'reddit',
    status,
    ...(status === 'pending' ? { flowId: 'f1', receipt: 'r1' } : { code: 'OAUTH_DENIED' }),
  };
  for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value);
  history.replaceState(null, '', url);
  if (!mode) return;
  const record = { provider: 'reddit', mode, returnTo, verifier: 'v1', expiresAt: Date.now() + 60_000 };
  localStorage.setItem('evergrant:flow:f1', JSON.stringify(record));
}

async function run() {
  const sent: [string, unknown][] = [];
  const navigate = vi.fn();
  const outcome = await runReturnPage({
    element,
    navigate,
    fetch: async (input, init) => {
      sent.push([String(input), init?.body ? JSON.parse(String(init.body)) : undefined]);
      return Response.json(
        init?.method === 'POST' ? { integrations: [{ providerAccountId: 'a1' }] } : { status: 'pending' },
      );
    },
  });
  return { outcome, sent, navigate };
}

test('a page that was sent here finishes and goes back to where it came from, with what came of it', async () => {
  comeBack('redirect');
  const { outcome, sent, navigate } = await run();
  expect(outcome).toMatchObject({ status: 'connected', accountIds: ['a1'] });
  expect(sent.at(-1)).toEqual(['/api/integrations/flows/f1/finish', { verifier: 'v1', receipt: 'r1' }]);
  expect(navigate).toHaveBeenCalledWith(`${location.origin}/settings#a`);
  expect(JSON.parse(sessionStorage.getItem('evergrant:outcome') ?? '')).toEqual(outcome);
  expect(localStorage.length).toBe(0);
  expect(location.search).not.toContain('receipt');
});

test('a window that cannot close says that it may be closed, and links back', async () => {
  comeBack('popup');
  const { navigate } = await run();
  expect(navigate).not.toHaveBeenCalled();
  expect(element.textContent).toBe('You can close this window.Go back');
  expect(element.querySelector('a')?.href).toBe(`${location.origin}/settings#a`);
});

test('a consent that was begun in another browser is told so, and nothing is sent', async () => {
  comeBack(null);
  const { outcome, sent } = await run();
  expect(outcome).toMatchObject({ status: 'failed', code: 'BEGUN_ELSEWHERE' });
  expect(sent).toEqual([]);
  expect(element.textContent).toBe('This was begun in another browser. Nothing was connected.Go back');
});

test('what the server says is connected is not denied, whoever began it', async () => {
  comeBack(null, 'connected');
  const { outcome, sent } = await run();
  expect(outcome).toMatchObject({ status: 'connected' });
  expect(sent).toEqual([]);
  expect(element.textContent).toBe('You can close this window.Go back');
});

test('a refusal goes back too, and nothing stays', async () => {
  comeBack('redirect', 'error');
  const { outcome, navigate } = await run();
  expect(outcome).toMatchObject({ status: 'failed', code: 'OAUTH_DENIED' });
  expect(navigate).toHaveBeenCalledTimes(1);
  expect(localStorage.length).toBe(0);
});

test('a page of another origin is never gone back to', async () => {
  comeBack('redirect', 'pending', 'https://evil.example/');
  const { navigate } = await run();
  expect(navigate).toHaveBeenCalledWith('/');
});

test('whoever comes here by chance is sent home', async () => {
  const { outcome, navigate } = await run();
  expect(outcome).toBeNull();
  expect(navigate).toHaveBeenCalledWith('/');
});
