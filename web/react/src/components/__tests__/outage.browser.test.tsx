import { act, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { type ErrorCode, EvergrantError, IntegrationsPage } from '../../index.js';
import { show, vale } from './shown.js';

test('a stale list stays visible, with a notice and a silent countdown', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  const error = new EvergrantError('BROWSER_OFFLINE');
  act(() => client.set({ error, stale: true, readAt: Date.now(), retryAt: Date.now() + 12_000 }));
  await screen.findByText(/Connection lost/);
  expect(screen.getByText('Juniper Vale')).toBeTruthy();
  const countdown = await screen.findByText(/Retrying in 1[12] seconds/);
  expect(countdown.closest('[role=status]')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Retry now' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['reload']);
});

test.each<[ErrorCode, number | undefined, number | null, RegExp]>([
  ['UNAUTHENTICATED', 401, Date.now(), /^You are signed out/],
  ['FORBIDDEN', 403, Date.now(), /^Evergrant isn’t configured correctly/],
  ['RATE_LIMIT_ERROR', 429, Date.now(), /^There are too many requests/],
  ['BROWSER_OFFLINE', undefined, Date.now(), /^Connection lost. Showing data from/],
  ['OVERLOADED', 503, Date.now(), /^Connection lost. Showing data from/],
  ['BROWSER_OFFLINE', undefined, null, /^Connection lost. The data may be out of date/],
])('above a list, %s (%s) shows its own message', async (code, status, readAt, text) => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  const error = new EvergrantError(code, code, status === undefined ? {} : { status });
  act(() => client.set({ error, stale: true, readAt }));
  await screen.findByText(text);
});

test.each<[ErrorCode, number | undefined, RegExp]>([
  ['UNAUTHENTICATED', undefined, /^You are signed out/],
  ['BROWSER_OFFLINE', undefined, /^Your accounts could not be loaded/],
  ['DATABASE_ERROR', 503, /^Your accounts could not be loaded/],
])('without a list, %s shows its own message', async (code, status, text) => {
  const { client } = show(<IntegrationsPage />, { providers: [] });
  act(() => client.set({ error: new EvergrantError(code, code, status === undefined ? {} : { status }) }));
  await screen.findByText(text);
});
