/** The focus does not fall back to the document when the focused element is removed. */
import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { EvergrantError, IntegrationsPage } from '../../index.js';
import { card, focused, press, show, vale } from './shown.js';

test.each(['Cancel', 'Dismiss'])('%s moves the focus to the card', async (name) => {
  const { client } = show(<IntegrationsPage />);
  const at = { provider: 'reddit', flowId: 'f1' };
  const error = new EvergrantError('OAUTH_DENIED');
  act(() =>
    client.set({ flow: name === 'Cancel' ? { step: 'waiting', ...at } : { step: 'failed', ...at, error } }),
  );
  const button = await within(card('Reddit')).findByRole('button', { name });
  button.focus();
  await press('Enter');
  expect(focused()).toBe(card('Reddit'));
});

test('removing an element without the focus does not move the focus', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  screen.getByRole('button', { name: 'Connect TikTok' }).focus();
  act(() => client.set({ integrations: [] }));
  expect(focused()?.textContent).toBe('Connect');
});

test('“Retry now” keeps the focus while it runs, and moves it to the card when removed', async () => {
  let respond = () => {};
  const response = new Promise<{ status: 'refreshed'; expiresAt: null }>((resolve) => {
    respond = () => resolve({ status: 'refreshed', expiresAt: null });
  });
  const unavailable = { ...vale, status: 'error', statusReason: 'PROVIDER_UNAVAILABLE' } as const;
  const { client } = show(<IntegrationsPage />, {
    integrations: [unavailable],
    outcomes: { refresh: () => response },
  });
  const button = screen.getByRole('button', { name: 'Retry now: Juniper Vale' });
  button.focus();
  await press('Enter');
  act(() => client.set({ busy: ['reddit/r1'] }));
  expect(focused()).toBe(button);
  expect(button.getAttribute('aria-disabled')).toBe('true');
  respond();
  act(() => client.set({ busy: [], integrations: [vale] }));
  expect(button.isConnected).toBe(false);
  expect(focused()).toBe(card('Reddit'));
});

test('disconnecting an account moves the focus to its card', async () => {
  show(<IntegrationsPage />, { integrations: [vale] });
  screen.getByRole('button', { name: 'Actions for Juniper Vale' }).click();
  await userEvent.click(await screen.findByRole('menuitem', { name: 'Disconnect…' }));
  await screen.findByRole('alertdialog');
  await userEvent.click(screen.getByRole('button', { name: 'Disconnect' }));
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  expect(focused()).toBe(card('Reddit'));
});

test('a flow that connects after a redirect focuses its card', () => {
  const { client } = show(<IntegrationsPage />);
  expect(focused()).toBe(document.body);
  act(() => client.set({ flow: { step: 'connected', provider: 'reddit', flowId: 'f1', integrations: [] } }));
  expect(focused()).toBe(card('Reddit'));
});
