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

/**
 * Sets the return URL of a consent. With a mode, the flow was started in this browser in that
 * mode.
 */
function openReturnAddress(
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

test('a redirect flow is finished and returns to its page with the outcome', async () => {
  openReturnAddress('redirect');
  const { outcome, sent, navigate } = await run();
  expect(outcome).toMatchObject({ status: 'connected', accountIds: ['a1'] });
  expect(sent.at(-1)).toEqual(['/api/integrations/flows/f1/finish', { verifier: 'v1', receipt: 'r1' }]);
  expect(navigate).toHaveBeenCalledWith(`${location.origin}/settings#a`);
  expect(JSON.parse(sessionStorage.getItem('evergrant:outcome') ?? '')).toEqual(outcome);
  expect(localStorage.length).toBe(0);
  expect(location.search).not.toContain('receipt');
});

test('a popup that cannot close shows a message and a link back', async () => {
  openReturnAddress('popup');
  const { navigate } = await run();
  expect(navigate).not.toHaveBeenCalled();
  expect(element.textContent).toBe('You can close this window.Go back');
  expect(element.querySelector('a')?.href).toBe(`${location.origin}/settings#a`);
});

test('a flow started in another browser shows a message and sends nothing', async () => {
  openReturnAddress(null);
  const { outcome, sent } = await run();
  expect(outcome).toMatchObject({ status: 'failed', code: 'STARTED_IN_OTHER_BROWSER' });
  expect(sent).toEqual([]);
  expect(element.textContent).toBe(
    'This sign-in was started in another browser. Nothing was connected. Start again in this browser.Go back',
  );
});

test('a flow that the server reports as connected is successful in any browser', async () => {
  openReturnAddress(null, 'connected');
  const { outcome, sent } = await run();
  expect(outcome).toMatchObject({ status: 'connected' });
  expect(sent).toEqual([]);
  expect(element.textContent).toBe('You can close this window.Go back');
});

test('a denied consent returns to the page and erases the record', async () => {
  openReturnAddress('redirect', 'error');
  const { outcome, navigate } = await run();
  expect(outcome).toMatchObject({ status: 'failed', code: 'OAUTH_DENIED' });
  expect(navigate).toHaveBeenCalledTimes(1);
  expect(localStorage.length).toBe(0);
});

test('a return URL of another origin is ignored', async () => {
  openReturnAddress('redirect', 'pending', 'https://evil.example/');
  const { navigate } = await run();
  expect(navigate).toHaveBeenCalledWith('/');
});

test('a visit without flow parameters redirects home', async () => {
  const { outcome, navigate } = await run();
  expect(outcome).toBeNull();
  expect(navigate).toHaveBeenCalledWith('/');
});
