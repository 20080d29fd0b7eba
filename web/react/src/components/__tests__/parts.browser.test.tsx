/** The components that a host app can use on their own. */
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

test('the banner names the account or their number, and reconnects the first', async () => {
  const { client } = show(<ReconnectBanner />, { integrations: [vale] });
  expect(screen.getByRole('status').textContent).toBe('');
  act(() => client.set({ integrations: [{ ...vale, ...lost }] }));
  expect(screen.getByText('Juniper Vale on Reddit needs to be reconnected.')).toBeTruthy();
  act(() =>
    client.set({
      integrations: [
        { ...vale, ...lost },
        { ...studio, ...lost },
      ],
    }),
  );
  expect(screen.getByText('2 accounts need to be reconnected.')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Reconnect Juniper Vale' }));
  expect(client.calls[0]).toEqual({ action: 'reconnect', args: ['reddit', 'r1'] });
});

test('the switcher groups accounts by platform', async () => {
  const chosen = vi.fn();
  show(<AccountSwitcher value={studio} onChange={chosen} allowAll />, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect([...select.querySelectorAll('optgroup')].map((one) => one.label)).toEqual(['Instagram', 'Reddit']);
  await userEvent.selectOptions(select, 'Juniper Vale');
  expect(chosen).toHaveBeenLastCalledWith(vale);
  await userEvent.selectOptions(select, 'All accounts');
  expect(chosen).toHaveBeenLastCalledWith(null);
});

test('a switcher without a value shows a placeholder, and no “All accounts” by default', () => {
  show(<AccountSwitcher value={null} onChange={() => {}} />, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect(select.selectedOptions[0]?.textContent).toBe('Choose an account');
  expect(select.selectedOptions[0]?.disabled).toBe(true);
  expect(screen.queryByText('All accounts')).toBeNull();
});

test.each([true, false])('a removed account is deselected (allowAll %s)', (allowAll) => {
  const view = <AccountSwitcher value={studio} onChange={() => {}} allowAll={allowAll} />;
  const { client } = show(view, { integrations: [studio, vale] });
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Account' });
  expect(select.selectedOptions[0]?.textContent).toBe('Juniper Studio');
  act(() => client.set({ integrations: [vale] }));
  expect(select.selectedOptions[0]?.textContent).toBe('Choose an account');
});

test('ConnectButton passes its options to connect', async () => {
  const { client } = show(<ConnectButton provider="reddit" mode="redirect" scopes={['read']} />);
  await userEvent.click(screen.getByRole('button', { name: 'Connect Reddit' }));
  expect(client.calls[0]).toEqual({
    action: 'connect',
    args: ['reddit', { mode: 'redirect', scopes: ['read'] }],
  });
});

test('a platform without a logo shows its first letter', () => {
  show(<IntegrationIcon provider="acme" name="Acme" label="Acme" />);
  expect(screen.getByRole('img', { name: 'Acme' }).textContent).toBe('A');
});

test('initials do not depend on the locale, so that server and browser agree', async () => {
  vi.spyOn(String.prototype, 'toLocaleUpperCase').mockReturnValue('İ');
  vi.spyOn(String.prototype, 'toLocaleLowerCase').mockReturnValue('ı');
  show(<IntegrationIcon provider="iris" label="iris" />);
  expect(screen.getByRole('img', { name: 'iris' }).textContent).toBe('I');
  vi.restoreAllMocks();
});

test('both Instagram providers show its logo', () => {
  show(<IntegrationIcon provider="instagram-login" />);
  expect(document.querySelector('.eg-icon[data-provider=instagram] path')).toBeTruthy();
});

test('an avatar that fails to load is replaced by a letter', async () => {
  show(<IntegrationsPage only={['reddit']} />, {
    integrations: [{ ...vale, avatarUrl: 'data:image/png;base64,AA' }],
  });
  await waitFor(() => expect(document.querySelector('.eg-avatar')?.textContent).toBe('J'));
});
