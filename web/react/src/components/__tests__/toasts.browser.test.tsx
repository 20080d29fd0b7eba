import { act, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EvergrantToaster } from '../../index.js';
import { pseudo } from '../../locales/pseudo.js';
import { hideToast, showToast, toasts } from '../toasts.js';
import { focused, press, show, vale } from './shown.js';

beforeEach(() => toasts.set([]));
afterEach(() => vi.useRealTimers());

const toaster = () => document.querySelector<HTMLElement>('.eg-toaster');
const announced = () => screen.getByRole('status').textContent;

async function open(props: Parameters<typeof show>[2] = {}) {
  const shown = show(<EvergrantToaster />, {}, props);
  await waitFor(() => expect(toaster()).toBeTruthy());
  // The effect that subscribes to events has run.
  await act(async () => {});
  return shown;
}

test('an event shows one toast in the top layer, which disappears', async () => {
  const { client } = await open();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  act(() => client.emit({ type: 'connected', provider: 'reddit', integrations: [vale] }));
  expect(screen.getByRole('status').textContent).toBe('Juniper Vale is connected.');
  expect(document.querySelector('.eg-toaster')?.matches(':popover-open')).toBe(true);
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(1);
  act(() => vi.advanceTimersByTime(6000));
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(0);
});

test('the toast for a disconnect states the outcome of the revocation', async () => {
  const { client } = await open();
  const disconnect = (revocation: 'revoked' | 'pending' | 'unsupported' | 'kept') =>
    act(() => client.emit({ type: 'disconnected', provider: 'instagram', revocation, message: '' }));
  disconnect('unsupported');
  await waitFor(() => expect(announced()).toMatch(/To revoke access at Instagram too, remove this app/));
  disconnect('revoked');
  await waitFor(() => expect(announced()).toMatch(/^Disconnected. Instagram has confirmed it.$/));
});

test('the toast for a disconnected session says what ends the session', async () => {
  const { client } = await open();
  act(() =>
    client.emit({ type: 'disconnected', provider: 'onlyfans', revocation: 'unsupported', message: '' }),
  );
  await waitFor(() =>
    expect(announced()).toMatch(/still valid at OnlyFans: to end it, sign out of OnlyFans/),
  );
});

test('dismissing a toast does not announce an older one again', async () => {
  await open({ messages: pseudo });
  act(() => showToast('one'));
  act(() => showToast('two'));
  expect(announced()).toBe('two');
  act(() => hideToast(toasts.get()[1]!.id));
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(1);
  expect(announced()).toBe('');
  // The live region has the language of the messages.
  expect(screen.getByRole('status').lang).toBe(pseudo.locale);
});

test('a new toast does not take the focus from the toaster', async () => {
  await open();
  act(() => showToast('one'));
  const button = screen.getByRole('button', { name: 'Dismiss' });
  button.focus();
  const hidden = vi.spyOn(toaster()!, 'hidePopover');
  act(() => showToast('two'));
  expect(hidden).not.toHaveBeenCalled();
  expect(focused()).toBe(button);
});

test('dismissing a toast restores the focus', async () => {
  await open();
  const before = document.body.appendChild(document.createElement('button'));
  act(() => showToast('one'));
  before.focus();
  screen.getByRole('button', { name: 'Dismiss' }).focus();
  await press('Enter');
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(0);
  expect(focused()).toBe(before);
  before.remove();
});

test('a new toast is raised above a dialog opened since', async () => {
  const dialog = document.body.appendChild(document.createElement('dialog'));
  await open();
  act(() => showToast('one'));
  dialog.showModal();
  const raised = vi.spyOn(toaster()!, 'showPopover');
  act(() => showToast('two'));
  expect(raised).toHaveBeenCalledTimes(1);
  expect(toaster()?.matches(':popover-open')).toBe(true);
  dialog.remove();
});
