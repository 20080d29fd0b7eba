/** The hooks on a real client under StrictMode, with a fake network. */
import { act, render, screen, waitFor } from '@testing-library/react';
import { StrictMode, Suspense } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, test, vi } from 'vitest';
import {
  type EvergrantClient,
  EvergrantProvider,
  type EvergrantProviderProps,
  useAccount,
  useEvergrantClient,
  useIntegration,
  useIntegrations,
} from '../../headless.js';
import { createFakeClient, sampleIntegration, sampleProviders } from '../../testing/index.js';

const vale = sampleIntegration({ id: 1, providerAccountId: 'r1', displayName: 'Juniper Vale' });
const studio = sampleIntegration({ id: 2, provider: 'instagram', providerAccountId: 'i1' });

function network() {
  const requests: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    const path = String(input).replace(/^.*\/api\/integrations\//, '');
    requests.push(path);
    if (path === 'status') return Response.json({ version: 1, integrations: [vale] });
    if (path === 'providers') return Response.json({ providers: sampleProviders });
    return Response.json({ code: 'NOT_FOUND' }, { status: 404 });
  };
  return { requests, fetch };
}

function Names() {
  const { integrations, loading } = useIntegrations();
  return <p>{loading ? 'loading' : integrations.map((one) => one.displayName).join()}</p>;
}

function show(props: Partial<EvergrantProviderProps>, view = <Names />) {
  return render(
    <StrictMode>
      <EvergrantProvider {...props}>{view}</EvergrantProvider>
    </StrictMode>,
  );
}

const error = vi.spyOn(console, 'error');
afterEach(() => {
  expect(error.mock.calls).toEqual([]);
  error.mockClear();
});

test('one provider requests the list once and shows it', async () => {
  const { requests, fetch } = network();
  show({ fetch });
  expect(screen.getByText('loading')).toBeTruthy();
  await screen.findByText('Juniper Vale');
  expect(requests.filter((path) => path === 'providers')).toHaveLength(1);
});

test('initialStatus is in the first render', () => {
  const { fetch } = network();
  const initialStatus = { version: 1, integrations: [vale], providers: sampleProviders };
  show({ fetch, initialStatus });
  expect(screen.getByText('Juniper Vale')).toBeTruthy();
});

test('a new getToken is used without replacing the client', async () => {
  const { fetch } = network();
  const validTokens = new Set(['Bearer a']);
  const guarded: typeof globalThis.fetch = async (input, init) =>
    validTokens.has(new Headers(init?.headers).get('authorization') ?? '')
      ? fetch(input)
      : Response.json({ code: 'UNAUTHENTICATED' }, { status: 401 });
  const [first, second] = [vi.fn(() => 'a'), vi.fn(() => 'b')];
  let client: EvergrantClient | undefined;
  function Reader() {
    client = useEvergrantClient();
    return <Names />;
  }
  const view = (getToken: () => string) => (
    <EvergrantProvider fetch={guarded} getToken={getToken} userKey="1" realtime={false}>
      <Reader />
    </EvergrantProvider>
  );
  const { rerender } = render(view(first));
  await screen.findByText('Juniper Vale');
  const [previous, calls] = [client, first.mock.calls.length];
  rerender(view(second));
  validTokens.clear();
  validTokens.add('Bearer b');
  await act(() => client?.reload());
  expect(client).toBe(previous);
  expect(client?.getSnapshot().error).toBeNull();
  expect(second).toHaveBeenCalledTimes(1);
  expect(first).toHaveBeenCalledTimes(calls);
});

test('another userKey creates another client', async () => {
  const { requests, fetch } = network();
  const { rerender } = show({ fetch, userKey: '1' });
  await screen.findByText('Juniper Vale');
  const before = requests.length;
  rerender(
    <StrictMode>
      <EvergrantProvider fetch={fetch} userKey="2">
        <Names />
      </EvergrantProvider>
    </StrictMode>,
  );
  expect(screen.getByText('loading')).toBeTruthy();
  await screen.findByText('Juniper Vale');
  expect(requests.length).toBeGreaterThan(before);
});

test('a boundary that hydrates late matches the server’s HTML', async () => {
  const { fetch } = network();
  const integrations = [{ ...vale, displayName: 'server-rendered' }];
  const initialStatus = { version: 0, integrations, providers: sampleProviders };
  let resume = () => {};
  const pending = new Promise<void>((resolve) => (resume = resolve));
  let isSuspended = false;
  let client: EvergrantClient | undefined;
  function Suspending() {
    client = useEvergrantClient();
    if (isSuspended) throw pending;
    return <Names />;
  }
  const app = (
    <EvergrantProvider fetch={fetch} initialStatus={initialStatus} realtime={false}>
      <Suspense fallback={null}>
        <Suspending />
      </Suspense>
    </EvergrantProvider>
  );
  const place = document.body.appendChild(document.createElement('div'));
  place.append(document.createRange().createContextualFragment(renderToString(app)));
  const rendered = place.querySelector('p');
  expect(rendered?.textContent).toBe('server-rendered');
  const recovered = vi.fn();
  isSuspended = true;
  const root = await act(async () => hydrateRoot(place, app, { onRecoverableError: recovered }));
  await waitFor(() => expect(client?.getSnapshot().version).toBe(1));
  isSuspended = false;
  await act(async () => resume());
  await screen.findByText('Juniper Vale');
  expect(recovered).not.toHaveBeenCalled();
  expect(place.querySelector('p')).toBe(rendered);
  act(() => root.unmount());
  place.remove();
});

test('a hook without a provider throws an error that names it', () => {
  const silenced = error.mockImplementation(() => {});
  const listener = (event: Event) => event.preventDefault();
  window.addEventListener('error', listener);
  expect(() => render(<Names />)).toThrow(/EvergrantProvider/);
  window.removeEventListener('error', listener);
  silenced.mockReset();
});

test('useIntegration does not re-render for changes of another platform', () => {
  const client = createFakeClient({ providers: sampleProviders, integrations: [vale, studio] });
  const rendered = vi.fn();
  function Reddit() {
    rendered(useIntegration('reddit')?.integrations.length);
    return null;
  }
  render(
    <EvergrantProvider client={client}>
      <Reddit />
    </EvergrantProvider>,
  );
  act(() => client.set({ integrations: [vale, { ...studio, status: 'expired' }] }));
  expect(rendered).toHaveBeenCalledTimes(1);
  act(() => client.set({ integrations: [studio] }));
  expect(rendered.mock.calls).toEqual([[1], [0]]);
});

test('useAccount returns an account until it is disconnected', () => {
  const client = createFakeClient({ providers: sampleProviders, integrations: [vale] });
  function One() {
    return <p>{useAccount('reddit', 'r1')?.displayName ?? 'none'}</p>;
  }
  show({ client }, <One />);
  expect(screen.getByText('Juniper Vale')).toBeTruthy();
  act(() => void client.disconnect('reddit', 'r1'));
  return waitFor(() => expect(screen.getByText('none')).toBeTruthy());
});

test('useIntegrations filters by provider and reports what is busy', () => {
  const client = createFakeClient({ providers: sampleProviders, integrations: [vale, studio] });
  let result: ReturnType<typeof useIntegrations> | undefined;
  function Only() {
    result = useIntegrations({ only: ['reddit'] });
    return null;
  }
  show({ client }, <Only />);
  expect(result?.providers.map(({ provider }) => provider)).toEqual(['reddit']);
  expect(result?.integrations).toEqual([vale]);
  act(() => client.set({ busy: ['reddit/r1'] }));
  expect([result?.isBusy('reddit', 'r1'), result?.isBusy('reddit')]).toEqual([true, false]);
  act(() => client.set({ flow: { step: 'waiting', provider: 'reddit', flowId: 'f' } }));
  expect(result?.isBusy('reddit')).toBe(true);
});

test('events go to the current onEvent only', () => {
  const client = createFakeClient({ providers: sampleProviders });
  const [first, second] = [vi.fn(), vi.fn()];
  const view = (onEvent: typeof first) => (
    <EvergrantProvider client={client} onEvent={onEvent}>
      <p />
    </EvergrantProvider>
  );
  const { rerender, unmount } = render(view(first));
  rerender(view(second));
  act(() => client.emit({ type: 'refreshed', provider: 'reddit', accountId: 'r1' }));
  expect([first, second].map((one) => one.mock.calls.length)).toEqual([0, 1]);
  unmount();
  client.emit({ type: 'refreshed', provider: 'reddit', accountId: 'r1' });
  expect(second).toHaveBeenCalledTimes(1);
});

test('useEvergrantClient returns the client of the provider', () => {
  const client = createFakeClient();
  let found: unknown;
  function Reader() {
    found = useEvergrantClient();
    return null;
  }
  show({ client }, <Reader />);
  expect(found).toBe(client);
});
