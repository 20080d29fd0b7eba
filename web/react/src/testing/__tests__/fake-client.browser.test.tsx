import { act, render, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { EvergrantError, EvergrantProvider, IntegrationsPage } from '../../index.js';
import { createFakeClient, sampleIntegration, sampleProviders } from '../index.js';

test('the example of the guide works', async () => {
  const client = createFakeClient({
    providers: sampleProviders,
    integrations: [sampleIntegration({ id: 1, provider: 'reddit', status: 'expired' })],
  });
  render(
    <EvergrantProvider client={client}>
      <IntegrationsPage />
    </EvergrantProvider>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Reconnect: Juniper Vale' }));
  expect(client.calls).toEqual([{ action: 'reconnect', args: ['reddit', 'account-1'] }]);
  expect(client.getSnapshot().integrations).toMatchObject([{ id: 1, status: 'connected' }]);
  act(() => client.set({ flow: { step: 'waiting', provider: 'reddit', flowId: 'f1' } }));
  await screen.findByText('Finish in the window that just opened.');
});

test('new accounts get unique ids, and reconnect passes accountId to the outcome', async () => {
  const connect = vi.fn(async () => ({ status: 'cancelled' as const }));
  const client = createFakeClient({
    providers: sampleProviders,
    integrations: [sampleIntegration({ id: 2, provider: 'reddit' })],
  });
  await client.connect('tiktok');
  expect(client.getSnapshot().integrations.map(({ id }) => id)).toEqual([2, 3]);
  const withOutcome = createFakeClient({ providers: sampleProviders, outcomes: { connect } });
  await withOutcome.reconnect('reddit', 'account-1', { mode: 'popup' });
  await withOutcome.connect('reddit');
  expect(connect.mock.calls).toEqual([
    ['reddit', { mode: 'popup', accountId: 'account-1' }],
    ['reddit', {}],
  ]);
});

test('actions change the snapshot, or return the configured outcome', async () => {
  const error = new EvergrantError('PROVIDER_UNAVAILABLE');
  const client = createFakeClient({
    providers: sampleProviders,
    outcomes: { refresh: async () => ({ status: 'failed', error }) },
  });
  const connected = await client.connect('tiktok');
  expect(connected).toMatchObject({ status: 'connected', integrations: [{ provider: 'tiktok' }] });
  expect(
    client.getSnapshot().providers.find(({ provider }) => provider === 'tiktok')?.integrations,
  ).toHaveLength(1);
  expect(await client.refresh('tiktok', 'new')).toEqual({ status: 'failed', error });
  await client.disconnect('tiktok', 'new');
  expect(client.getSnapshot().integrations).toEqual([]);
});
