/** The chunk of extras, which loads after the list, fails to load at first. */
import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChooseDialog, EvergrantError, EvergrantProvider, IntegrationsPage } from '../../index.js';
import { createFakeClient, sampleProviders } from '../../testing/index.js';
import * as extras from '../extras/index.js';

const load = vi.hoisted(() => vi.fn<() => Promise<unknown>>());
vi.mock('../loadExtras.js', () => ({ loadExtras: load }));

beforeEach(() => {
  load.mockReset().mockRejectedValue(new TypeError('Failed to fetch'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => vi.useRealTimers());

const client = createFakeClient({ providers: sampleProviders });
const after = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

test('a flow whose dialog cannot be loaded is cancelled', async () => {
  const flow = { step: 'choose', provider: 'reddit', flowId: 'f1', accounts: [], busy: false } as const;
  client.set({ flow });
  render(
    <EvergrantProvider client={client}>
      <ChooseDialog />
    </EvergrantProvider>,
  );
  await after(0);
  expect(client.getSnapshot().flow).toEqual({ step: 'idle' });
  await after(60_000);
  expect(load).toHaveBeenCalledTimes(1);
});

test('an outage is shown although nothing more can be loaded', async () => {
  const offline = createFakeClient({ providers: [] });
  offline.set({ error: new EvergrantError('BROWSER_OFFLINE'), retryAt: Date.now() + 100_000 });
  render(
    <EvergrantProvider client={offline}>
      <IntegrationsPage toaster={false} />
    </EvergrantProvider>,
  );
  await after(1);
  expect(screen.getByText('Your accounts could not be loaded.')).toBeTruthy();
  expect(screen.getByText('Retrying in 2 minutes')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Retry now' })).toBeTruthy();
});

// Must be the last test: a loaded chunk stays loaded.
test('the chunk is retried with backoff, and at once when back online', async () => {
  client.set({ flow: { step: 'waiting', provider: 'reddit', flowId: 'f1' } });
  render(
    <EvergrantProvider client={client}>
      <IntegrationsPage toaster={false} />
    </EvergrantProvider>,
  );
  await after(1);
  const first = load.mock.calls.length;
  await after(1000);
  const second = load.mock.calls.length;
  expect(second).toBeGreaterThan(first);
  await after(2000);
  expect(load.mock.calls.length).toBeGreaterThan(second);
  load.mockResolvedValue(extras);
  expect(screen.queryByText('Finish in the window that just opened.')).toBeNull();
  await act(async () => void window.dispatchEvent(new Event('online')));
  expect(screen.getByText('Finish in the window that just opened.')).toBeTruthy();
});
