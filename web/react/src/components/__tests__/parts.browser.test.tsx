/** The parts that a host may use alone. */
import { act, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import {
  AccountSwitcher,
  ConnectButton,
  IntegrationIcon,
  IntegrationsPage,
  ReconnectBanner,
} from '../../index.js';
import { lost, show, studio, vale } from './shown.js';

test('the banner names the account, or how many, and begins with the first', async () => {
  const { client } = show(<ReconnectBanner />, { integrations: [vale] });
  expect(screen.getByRole('status').textContent).toBe('');
  act(() => client.set({ integrations: [{ ...vale, ...lost }] }));
  expect(screen.getByText('Juniper Vale on Reddit needs you.')).toBeTruthy();
  act(() =>
    client.set({
      integrations: [
        { ...vale, ...lost },
        { ...studio, ...lost },
      ],
    }),
  );
  expect(screen.getByText('2 accounts need you.')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Reconnect Juniper Vale' }));
  expect(client.calls[0]).toEqual({ action: 'reconnect', args: ['reddit', 'r1'] });
});

test('the switcher offers accounts by platform', async () => {
  const chosen = vi.fn();
  show(<AccountSwitcher value={studio} onChange={chosen} allowAll />, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect([...select.querySelectorAll('optgroup')].map((one) => one.label)).toEqual(['Instagram', 'Reddit']);
  await userEvent.selectOptions(select, 'Juniper Vale');
  expect(chosen).toHaveBeenLastCalledWith(vale);
  await userEvent.selectOptions(select, 'All accounts');
  expect(chosen).toHaveBeenLastCalledWith(null);
});

test('a switcher without a choice asks for one, and does not offer all of them unasked', () => {
  show(<AccountSwitcher value={null} onChange={() => {}} />, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect(select.selectedOptions[0]?.textContent).toBe('Choose an account');
  expect(select.selectedOptions[0]?.disabled).toBe(true);
  expect(screen.queryByText('All accounts')).toBeNull();
});

test.each([true, false])('a chosen account that is gone is chosen no more (allowAll %s)', (allowAll) => {
  const view = <AccountSwitcher value={studio} onChange={() => {}} allowAll={allowAll} />;
  const { client } = show(view, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect(select.selectedOptions[0]?.textContent).toBe('Juniper Studio');
  act(() => client.set({ integrations: [vale] }));
  expect(select.selectedOptions[0]?.textContent).toBe('Choose an account');
});

test('a button connects with its options', async () => {
  const { client } = show(<ConnectButton provider="reddit" mode="redirect" scopes={['read']} />);
  await userEvent.click(screen.getByRole('button', { name: 'Connect Reddit' }));
  expect(client.calls[0]).toEqual({
    action: 'connect',
    args: ['reddit', { mode: 'redirect', scopes: ['read'] }],
  });
});

test('a platform without a mark has its first letter', () => {
  show(<IntegrationIcon provider="acme" name="Acme" label="Acme" />);
  expect(screen.getByRole('img', { name: 'Acme' }).textContent).toBe('A');
});

test('letters are those of no language in particular, so that a server and every browser agree', async () => {
  vi.spyOn(String.prototype, 'toLocaleUpperCase').mockReturnValue('İ');
  vi.spyOn(String.prototype, 'toLocaleLowerCase').mockReturnValue('ı');
  show(<IntegrationIcon provider="iris" label="iris" />);
  expect(screen.getByRole('img', { name: 'iris' }).textContent).toBe('I');
  vi.restoreAllMocks();
});

test('both ways to Instagram have its mark', () => {
  show(<IntegrationIcon provider="instagram-login" />);
  expect(document.querySelector('.eg-icon[data-provider=instagram] path')).toBeTruthy();
});

test('a picture that does not load gives way to a letter', async () => {
  show(<IntegrationsPage only={['reddit']} />, {
    integrations: [{ ...vale, avatarUrl: 'data:image/png;base64,AA' }],
  });
  await waitFor(() => expect(document.querySelector('.eg-avatar')?.textContent).toBe('J'));
});
