import { act, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { type ErrorCode, EvergrantError, IntegrationsPage } from '../../index.js';
import { show, vale } from './shown.js';

test('what is old is said to be old, with a countdown that no screen reader hears, and stays in sight', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  const error = new EvergrantError('NETWORK_ERROR');
  act(() => client.set({ error, stale: true, readAt: Date.now(), retryAt: Date.now() + 12_000 }));
  await screen.findByText(/The connection is lost/);
  expect(screen.getByText('Juniper Vale')).toBeTruthy();
  const countdown = await screen.findByText(/Next try in 1[12] seconds/);
  expect(countdown.closest('[role=status]')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Try now' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['reload']);
});

test.each<[ErrorCode, number | undefined, number | null, RegExp]>([
  ['UNAUTHENTICATED', 401, Date.now(), /^You are signed out/],
  ['FORBIDDEN', 403, Date.now(), /^This is not set up right/],
  ['RATE_LIMIT_ERROR', 429, Date.now(), /^That was too often/],
  ['TIMEOUT_ERROR', undefined, Date.now(), /^The connection is lost. What you see is from/],
  ['OVERLOADED', 503, Date.now(), /^The connection is lost. What you see is from/],
  ['NETWORK_ERROR', undefined, null, /^The connection is lost. What you see may be old/],
])('above a list that is shown, %s (%s) is told as what it is', async (code, status, readAt, text) => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  const error = new EvergrantError(code, code, status === undefined ? {} : { status });
  act(() => client.set({ error, stale: true, readAt }));
  await screen.findByText(text);
});

test.each<[ErrorCode, number | undefined, RegExp]>([
  ['UNAUTHENTICATED', undefined, /^You are signed out/],
  ['NETWORK_ERROR', undefined, /^Your accounts could not be loaded/],
  ['DATABASE_ERROR', 503, /^Your accounts could not be loaded/],
])('where nothing could be read, %s is told as what it is', async (code, status, text) => {
  const { client } = show(<IntegrationsPage />, { providers: [] });
  act(() => client.set({ error: new EvergrantError(code, code, status === undefined ? {} : { status }) }));
  await screen.findByText(text);
});
