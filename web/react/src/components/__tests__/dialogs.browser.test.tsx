import { act, screen, waitFor, within } from '@testing-library/react';
import { useState } from 'react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { ChooseDialog, DisconnectDialog, EvergrantError } from '../../index.js';
import { sampleIntegration } from '../../testing/index.js';
import { showToast, toasts } from '../toasts.js';
import { focused, press, show } from './shown.js';

const shop = sampleIntegration({
  id: 1,
  provider: 'instagram',
  providerAccountId: 'i1',
  displayName: 'Juniper Shop',
});

function Opener() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        open
      </button>
      {open && <DisconnectDialog integration={shop} onClose={() => setOpen(false)} />}
    </>
  );
}

async function openDisconnect(options: Parameters<typeof show>[1] = {}) {
  const shown = show(<Opener />, { integrations: [shop], ...options });
  await userEvent.click(screen.getByText('open'));
  const dialog = await screen.findByRole('alertdialog');
  return { ...shown, dialog };
}

test('disconnecting asks for confirmation, with Cancel focused', async () => {
  await openDisconnect();
  expect(screen.getByRole('alertdialog', { name: 'Disconnect Juniper Shop from Instagram?' })).toBeTruthy();
  expect(focused()?.textContent).toBe('Cancel');
});

test('the dialog is described by its consequences', async () => {
  const { dialog } = await openDisconnect();
  const text = document.getElementById(dialog.getAttribute('aria-describedby') ?? '');
  expect(text?.textContent).toMatch(/^We delete the stored tokens/);
});

test('the dialog for a pasted session says what ends the session', async () => {
  const integration = sampleIntegration({ id: 2, provider: 'onlyfans', providerAccountId: 'o1' });
  show(<DisconnectDialog integration={integration} onClose={() => {}} />);
  await screen.findByText(/stays valid at OnlyFans until you end it: sign out of OnlyFans/);
});

test('a toast shown while a dialog is open is announced in the dialog', async () => {
  const { dialog } = await openDisconnect();
  act(() => showToast('Copied.'));
  expect(within(dialog).getByRole('status').textContent).toBe('Copied.');
  act(() => toasts.set([]));
});

test.each(['Escape', 'Enter'])(
  '%s closes the dialog without an action and restores the focus',
  async (key) => {
    const { client } = await openDisconnect();
    await press(key);
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
    expect(client.calls).toEqual([]);
    expect(focused()?.textContent).toBe('open');
  },
);

test('the focus stays inside the dialog', async () => {
  const { dialog } = await openDisconnect();
  for (let turn = 0; turn < 5; turn++) {
    await press('Tab');
    expect(dialog.contains(focused()) || focused() === document.body).toBe(true);
  }
});

test('disconnect passes deleteData if the checkbox is ticked', async () => {
  const { client } = await openDisconnect();
  await userEvent.click(screen.getByRole('checkbox'));
  await userEvent.click(screen.getByRole('button', { name: 'Disconnect' }));
  expect(client.calls).toEqual([{ action: 'disconnect', args: ['instagram', 'i1', { deleteData: true }] }]);
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
});

test('a failed disconnect shows its error in the dialog, which stays open', async () => {
  const error = new EvergrantError('DATABASE_ERROR');
  await openDisconnect({ outcomes: { disconnect: async () => ({ status: 'failed', error }) } });
  await userEvent.click(screen.getByRole('button', { name: 'Disconnect' }));
  expect((await screen.findByRole('alert')).textContent).toMatch(/busy right now/);
  expect(screen.getByRole('alertdialog')).toBeTruthy();
});

const accounts = ['i1', 'i2', 'i3'].map((id) => ({ providerAccountId: id, displayName: `Account ${id}` }));

async function choose(change: Record<string, unknown> = {}, integrations = [] as (typeof shop)[]) {
  const shown = show(<ChooseDialog />, { integrations });
  const flow = {
    step: 'choose',
    provider: 'instagram',
    flowId: 'f1',
    accounts,
    busy: false,
    ...change,
  } as const;
  act(() => shown.client.set({ flow }));
  await screen.findByRole('dialog', { name: 'Which Instagram accounts?' });
  const ticked = () => screen.getAllByRole<HTMLInputElement>('checkbox').map((box) => box.checked);
  return { ...shown, ticked };
}

test('a single account is preselected', async () => {
  const { ticked, client } = await choose({ accounts: accounts.slice(0, 1) });
  expect(ticked()).toEqual([true]);
  await userEvent.click(screen.getByRole('button', { name: 'Connect 1 account' }));
  expect(client.calls[0]).toEqual({ action: 'chooseAccounts', args: [['i1']] });
});

test('of several accounts, the connected ones are preselected', async () => {
  const { ticked } = await choose({}, [shop]);
  expect(ticked()).toEqual([true, false, false]);
});

test('connecting requires a selected account', async () => {
  const { client } = await choose();
  screen.getByRole('button', { name: 'Connect' }).click();
  expect(client.calls).toEqual([]);
  await userEvent.click(screen.getByRole('checkbox', { name: /Account i2/ }));
  await userEvent.click(screen.getByRole('checkbox', { name: /Account i3/ }));
  await userEvent.click(screen.getByRole('checkbox', { name: /Account i2/ }));
  await userEvent.click(screen.getByRole('button', { name: 'Connect 1 account' }));
  expect(client.calls[0]?.args).toEqual([['i3']]);
});

test('Escape cancels the flow', async () => {
  const { client } = await choose();
  await press('Escape');
  expect(client.calls).toEqual([{ action: 'cancel', args: [] }]);
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

test('a dialog is closed before it is removed', async () => {
  const close = vi.spyOn(HTMLDialogElement.prototype, 'close');
  const { client } = await choose();
  act(() => client.set({ flow: { step: 'idle' } }));
  expect(close).toHaveBeenCalled();
});
