/** Nobody is thrown back to the start of the page because what had the focus is gone. */
import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { EvergrantError, IntegrationsPage } from '../../index.js';
import { card, focused, press, show, vale } from './shown.js';

test.each(['Cancel', 'Dismiss'])('%s leaves the focus in the card', async (name) => {
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

test('what goes by itself takes the focus from nobody', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  screen.getByRole('button', { name: 'Connect TikTok' }).focus();
  act(() => client.set({ integrations: [] }));
  expect(focused()?.textContent).toBe('Connect');
});

test('“Try now” keeps the focus while it works, and leaves it to the card once all is well', async () => {
  let answer = () => {};
  const trying = new Promise<{ status: 'refreshed'; expiresAt: null }>((resolve) => {
    answer = () => resolve({ status: 'refreshed', expiresAt: null });
  });
  const ill = { ...vale, status: 'error', statusReason: 'PROVIDER_UNAVAILABLE' } as const;
  const { client } = show(<IntegrationsPage />, { integrations: [ill], outcomes: { refresh: () => trying } });
  const button = screen.getByRole('button', { name: 'Try now: Juniper Vale' });
  button.focus();
  await press('Enter');
  act(() => client.set({ busy: ['reddit/r1'] }));
  expect(focused()).toBe(button);
  expect(button.getAttribute('aria-disabled')).toBe('true');
  answer();
  act(() => client.set({ busy: [], integrations: [vale] }));
  expect(button.isConnected).toBe(false);
  expect(focused()).toBe(card('Reddit'));
});

test('an account that is disconnected leaves the focus to its card', async () => {
  show(<IntegrationsPage />, { integrations: [vale] });
  screen.getByRole('button', { name: 'Actions for Juniper Vale' }).click();
  await userEvent.click(await screen.findByRole('menuitem', { name: 'Disconnect…' }));
  await screen.findByRole('alertdialog');
  await userEvent.click(screen.getByRole('button', { name: 'Disconnect' }));
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  expect(focused()).toBe(card('Reddit'));
});

test('whoever comes back finds the card that this was about focused', () => {
  const { client } = show(<IntegrationsPage />);
  expect(focused()).toBe(document.body);
  act(() => client.set({ flow: { step: 'connected', provider: 'reddit', flowId: 'f1', integrations: [] } }));
  expect(focused()).toBe(card('Reddit'));
});
