import { act, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EvergrantToaster } from '../../index.js';
import { pseudo } from '../../locales/pseudo.js';
import { hideToast, showToast, toasts } from '../toasts.js';
import { focused, press, show, vale } from './shown.js';

beforeEach(() => toasts.set([]));
afterEach(() => vi.useRealTimers());

const corner = () => document.querySelector<HTMLElement>('.eg-toaster');
const said = () => screen.getByRole('status').textContent;

async function open(props: Parameters<typeof show>[2] = {}) {
  const shown = show(<EvergrantToaster />, {}, props);
  await waitFor(() => expect(corner()).toBeTruthy());
  // By now it listens.
  await act(async () => {});
  return shown;
}

test('what happened is said once, above everything, and goes', async () => {
  const { client } = await open();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  act(() => client.emit({ type: 'connected', provider: 'reddit', integrations: [vale] }));
  expect(screen.getByRole('status').textContent).toBe('Juniper Vale is connected.');
  expect(document.querySelector('.eg-toaster')?.matches(':popover-open')).toBe(true);
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(1);
  act(() => vi.advanceTimersByTime(6000));
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(0);
});

test('what became of the grant is told as it is', async () => {
  const { client } = await open();
  const tell = (revocation: 'revoked' | 'pending' | 'unsupported' | 'kept') =>
    act(() => client.emit({ type: 'disconnected', provider: 'instagram', revocation, message: '' }));
  tell('unsupported');
  await waitFor(() => expect(said()).toMatch(/To end access at Instagram too, remove this app/));
  tell('revoked');
  await waitFor(() => expect(said()).toMatch(/^Disconnected. Instagram has confirmed it.$/));
});

test('what has been said is not said again when something newer is put away', async () => {
  await open({ messages: pseudo });
  act(() => showToast('one'));
  act(() => showToast('two'));
  expect(said()).toBe('two');
  act(() => hideToast(toasts.get()[1]!.id));
  expect(document.querySelectorAll('.eg-toast')).toHaveLength(1);
  expect(said()).toBe('');
  // It speaks the language of the rest.
  expect(screen.getByRole('status').lang).toBe(pseudo.locale);
});

test('something new leaves the corner where it is, with whoever is in it', async () => {
  await open();
  act(() => showToast('one'));
  const button = screen.getByRole('button', { name: 'Dismiss' });
  button.focus();
  const hidden = vi.spyOn(corner()!, 'hidePopover');
  act(() => showToast('two'));
  expect(hidden).not.toHaveBeenCalled();
  expect(focused()).toBe(button);
});

test('what is put away gives the focus back', async () => {
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

test('something new lies above a dialog that was opened meanwhile', async () => {
  const dialog = document.body.appendChild(document.createElement('dialog'));
  await open();
  act(() => showToast('one'));
  dialog.showModal();
  const raised = vi.spyOn(corner()!, 'showPopover');
  act(() => showToast('two'));
  expect(raised).toHaveBeenCalledTimes(1);
  expect(corner()?.matches(':popover-open')).toBe(true);
  dialog.remove();
});
