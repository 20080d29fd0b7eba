import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { type ErrorCode, EvergrantError, type Integration, IntegrationsPage } from '../../index.js';
import { sampleProviders } from '../../testing/index.js';
import { card, focused, lost, press, show, studio, vale } from './shown.js';

const headings = () => screen.getAllByRole('heading', { level: 2 }).map((one) => one.textContent);

test('cards to reconnect come first, then connected ones, then the rest', () => {
  show(<IntegrationsPage />, { integrations: [studio, { ...vale, ...lost }] });
  expect(headings()).toEqual(['Reddit', 'Instagram', 'TikTok', 'OnlyFans']);
});

test('cards keep their order while the page is open', () => {
  const { client } = show(<IntegrationsPage />, { integrations: [studio] });
  act(() => client.set({ integrations: [studio, { ...vale, ...lost }] }));
  expect(headings()).toEqual(['Instagram', 'TikTok', 'Reddit', 'OnlyFans']);
});

test('headings keep their size on a page that styles all headings', () => {
  const host = document.head.appendChild(document.createElement('style'));
  host.textContent = 'h1, h2 { margin: 32px 0; font: 500 56px/118% serif; letter-spacing: -1.68px }';
  show(<IntegrationsPage />);
  const styles = [1, 2].map((level) => {
    const { fontSize, fontWeight, marginTop } = getComputedStyle(
      screen.getAllByRole('heading', { level })[0]!,
    );
    return [fontSize, fontWeight, marginTop];
  });
  host.remove();
  expect(styles).toEqual([
    ['24px', '600', '0px'],
    ['15px', '600', '0px'],
  ]);
});

test('an account without a permission is not shown as connected', () => {
  const limited = { remarks: ['SCOPE_MISSING'], missingScopes: ['history'] };
  show(<IntegrationsPage />, { integrations: [{ ...vale, ...limited }] });
  expect(within(card('Reddit')).queryByText('Connected')).toBeNull();
  expect(within(card('Reddit')).getByText('Permission missing')).toBeTruthy();
});

test('accounts with different permissions have a list each', () => {
  const other = { ...vale, id: 9, providerAccountId: 'r9', displayName: 'Wren', missingScopes: ['history'] };
  show(<IntegrationsPage />, { integrations: [vale, other] });
  const list = card('Reddit').querySelector('.eg-permissions')!;
  expect([...list.querySelectorAll('bdi')].map((one) => one.textContent)).toEqual(['Juniper Vale', 'Wren']);
  expect(list.querySelectorAll('[data-granted=false]')).toHaveLength(1);
  expect(list.querySelector('summary')?.textContent).toBe('Permissions, 2 of 3');
});

test('the page has one primary button', () => {
  show(<IntegrationsPage />, {
    integrations: [
      { ...studio, ...lost },
      { ...vale, ...lost },
    ],
  });
  expect(document.querySelectorAll('[data-variant=primary]')).toHaveLength(1);
});

test('a connected account shows no message and no button but its menu', () => {
  show(<IntegrationsPage />, { integrations: [vale] });
  const row = card('Reddit').querySelector<HTMLElement>('.eg-account')!;
  expect(row.querySelector('.eg-issue')).toBeNull();
  expect(within(row).getAllByRole('button')).toHaveLength(1);
});

test.each<[Partial<Integration>, RegExp, string | null]>([
  [lost, /You revoked access at Reddit/, 'Reconnect'],
  [{ ...lost, statusReason: 'REFRESH_TOKEN_INVALID' }, /Reddit requires you to sign in again/, 'Reconnect'],
  [{ ...lost, statusReason: 'SESSION_ENDED' }, /The session has expired/, 'Reconnect'],
  [{ ...lost, statusReason: 'LOST_IN_FLIGHT' }, /The last refresh was interrupted/, 'Reconnect'],
  [{ ...lost, statusReason: 'BRAND_NEW' }, /Reddit requires you to sign in again/, 'Reconnect'],
  [{ status: 'expiring' }, /Reconnect to keep access/, 'Reconnect'],
  [{ status: 'error', statusReason: 'PROVIDER_UNAVAILABLE' }, /Reddit is not responding/, 'Retry now'],
  [{ status: 'error', statusReason: 'USER_ACTION_AT_PLATFORM' }, /confirm something there/, 'Retry now'],
  [
    { status: 'error', statusReason: 'DECRYPTION_ERROR', correlationId: 'c1' },
    /on our side/,
    'Copy reference',
  ],
  [{ remarks: ['UNVERIFIED'] }, /has not been verified/, null],
  [
    { remarks: ['REFRESH_RETRYING', 'SCOPE_MISSING'], missingScopes: ['history', 'read'] },
    /Not granted: See your posts and comments and Read content you can access\./,
    'Grant access',
  ],
])('an account problem shows one sentence and at most one button: %o', (change, sentence, button) => {
  show(<IntegrationsPage />, { integrations: [{ ...vale, ...change }] });
  const problem = card('Reddit').querySelector('.eg-issue');
  expect(problem?.textContent).toMatch(sentence);
  expect([...(problem?.querySelectorAll('button') ?? [])].map((one) => one.textContent)).toEqual(
    button ? [button] : [],
  );
});

test('a refresh that is being retried shows no message', () => {
  show(<IntegrationsPage />, { integrations: [{ ...vale, remarks: ['REFRESH_RETRYING'] }] });
  expect(document.querySelector('.eg-issue')).toBeNull();
});

test('connecting shows its progress, and the button keeps the focus', async () => {
  const { client } = show(<IntegrationsPage />);
  const button = within(card('Reddit')).getByRole('button', { name: 'Connect Reddit' });
  button.focus();
  act(() => client.set({ flow: { step: 'waiting', provider: 'reddit', flowId: 'f1' } }));
  const status = within(card('Reddit')).getByRole('status');
  await waitFor(() => expect(status.textContent).toContain('Finish in the window that just opened.'));
  expect(focused()).toBe(button);
  expect(button.getAttribute('aria-disabled')).toBe('true');
  await press('Enter');
  expect(client.calls).toEqual([]);
  act(() => client.set({ flow: { step: 'unsure', provider: 'reddit', flowId: 'f1' } }));
  await userEvent.click(screen.getByRole('button', { name: 'Open it again' }));
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['reopen', 'cancel']);
});

test('a redirect that did not happen can be cancelled', async () => {
  const { client } = show(<IntegrationsPage />);
  act(() => client.set({ flow: { step: 'redirecting', provider: 'reddit', flowId: 'f1' } }));
  await userEvent.click(await screen.findByRole('button', { name: 'Cancel' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['cancel']);
});

test('while an account is reconnected, only its own button is disabled', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [{ ...vale, ...lost }] });
  act(() => client.set({ flow: { step: 'waiting', provider: 'reddit', accountId: 'r1', flowId: 'f1' } }));
  const button = screen.getByRole('button', { name: 'Reconnect: Juniper Vale' });
  expect(button.getAttribute('aria-disabled')).toBe('true');
  await within(card('Reddit')).findByText('Finish in the window that just opened.');
  expect(within(card('Reddit')).getByText('Reconnect required')).toBeTruthy();
  expect(
    screen.getByRole('button', { name: 'Connect another account' }).getAttribute('aria-disabled'),
  ).toBeNull();
});

test('an account that is being refreshed is marked busy', () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  act(() => client.set({ busy: ['reddit/r1'] }));
  expect(within(card('Reddit')).getByText('Refreshing').closest('li')?.getAttribute('aria-busy')).toBe(
    'true',
  );
});

test('a failure shows one sentence, a retry button and a dismiss button', async () => {
  const { client } = show(<IntegrationsPage />);
  const error = new EvergrantError('OAUTH_DENIED');
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', flowId: 'f1', error } }));
  await within(card('Reddit')).findByText(/^You did not allow access at Reddit\. Nothing was changed\./);
  expect(within(card('Reddit')).getByRole('button', { name: 'Try again' })).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['dismiss']);
});

test('a failed attempt to add an account can be repeated where it is reported', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  const error = new EvergrantError('NETWORK_ERROR');
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', error } }));
  await userEvent.click(await within(card('Reddit')).findByRole('button', { name: 'Try again' }));
  expect(client.calls).toEqual([{ action: 'connect', args: ['reddit', {}] }]);
});

test('a wrong account at a reconnect is named, and can be added instead', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [{ ...vale, ...lost }] });
  const accounts = [{ providerAccountId: 'r2', username: 'wren', displayName: null }];
  const error = new EvergrantError('ACCOUNT_MISMATCH', '', { accounts });
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', accountId: 'r1', error } }));
  await within(card('Reddit')).findByText(/as @wren, but this reconnects/);
  await userEvent.click(screen.getByRole('button', { name: 'Add @wren instead' }));
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', accountId: 'r1', error } }));
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(client.calls.map(({ args }) => args)).toEqual([['reddit'], ['reddit', { accountId: 'r1' }]]);
});

test('without an account that can be connected, the steps to get one are shown with a link', async () => {
  const { client } = show(<IntegrationsPage />);
  const error = new EvergrantError('NO_ELIGIBLE_ACCOUNT');
  act(() => client.set({ flow: { step: 'failed', provider: 'instagram', error } }));
  await within(card('Instagram')).findByText(/no Instagram account .* choose Switch to professional account/);
  const link = screen.getByRole('link', { name: 'Help at Instagram' });
  expect(link.getAttribute('href')).toBe('https://help.instagram.com/502981923235522');
});

test('a rate-limited flow shows a countdown that is not announced', async () => {
  const { client } = show(<IntegrationsPage />);
  const error = new EvergrantError('RATE_LIMIT_ERROR', 'too often', { status: 429, retryAfter: 12 });
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', error } }));
  const countdown = await within(card('Reddit')).findByText(/^Try again in 1[12] seconds$/);
  expect(countdown.closest('[role=status]')).toBeNull();
});

test('a failure offers its reference to copy, except for a denied consent', async () => {
  const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  const { client } = show(<IntegrationsPage />);
  const fail = (code: ErrorCode) => {
    const error = new EvergrantError(code, code, { correlationId: 'c-7f3a91' });
    act(() => client.set({ flow: { step: 'failed', provider: 'reddit', error } }));
  };
  fail('INTERNAL_ERROR');
  await userEvent.click(await screen.findByRole('button', { name: 'Copy reference' }));
  expect(write).toHaveBeenCalledWith('c-7f3a91');
  fail('OAUTH_DENIED');
  expect(screen.queryByRole('button', { name: 'Copy reference' })).toBeNull();
  write.mockRestore();
});

test('an in-app browser shows a notice with a link to copy', async () => {
  vi.spyOn(navigator, 'userAgent', 'get').mockReturnValue('Mozilla/5.0 (iPhone) Instagram 350.0');
  show(<IntegrationsPage />);
  expect((await screen.findByRole('note')).textContent).toMatch(/Open this page in your usual browser/);
  expect(screen.getByRole('button', { name: 'Copy link' })).toBeTruthy();
  vi.restoreAllMocks();
});

test('platforms that are not configured are hidden, unless an account is connected', () => {
  const providers = sampleProviders.map((one) => ({ ...one, configured: one.provider === 'tiktok' }));
  show(<IntegrationsPage />, { providers, integrations: [vale] });
  expect(headings()).toEqual(['Reddit', 'TikTok']);
  expect(within(card('Reddit')).queryByRole('button', { name: /Connect/ })).toBeNull();
});

test('a card shows how it connects to its platform', () => {
  const providers = sampleProviders.map((one) => ({ ...one, configured: one.provider !== 'reddit' }));
  show(<IntegrationsPage />, { providers, integrations: [vale] });
  const note = (name: string) => card(name).querySelector('.eg-card-head .eg-note')?.textContent;
  expect(['Instagram', 'TikTok', 'OnlyFans', 'Reddit'].map(note)).toEqual([
    'Via Facebook, for professional accounts linked to a Facebook Page',
    'TikTok Creator',
    'Uses a browser session',
    'Not set up',
  ]);
});

test('a card without a summary names the other platform at which its users sign in', () => {
  const [instagram] = sampleProviders;
  const { accountSummary: _, ...provider } = instagram!;
  show(<IntegrationsPage />, { providers: [provider] });
  expect(card('Instagram').querySelector('.eg-card-head .eg-note')).toHaveTextContent(/^Via Facebook$/);
});

test('a list of nine platforms has a search box', async () => {
  const providers = Array.from({ length: 9 }, (_, place) => ({
    ...sampleProviders[2]!,
    provider: `p${place}`,
    name: `Place ${place}`,
  }));
  show(<IntegrationsPage />, { providers });
  await userEvent.fill(screen.getByRole('searchbox', { name: 'Search platforms' }), 'place 7');
  expect(headings()).toEqual(['Place 7']);
  await userEvent.fill(screen.getByRole('searchbox'), 'nowhere');
  expect(screen.getByText('No platform matches “nowhere”.')).toBeTruthy();
});

test('permissions list what is requested before connecting, and what was granted after', () => {
  const { client } = show(<IntegrationsPage only={['reddit']} />);
  expect(screen.getByText('Permissions')).toBeTruthy();
  act(() => client.set({ integrations: [{ ...vale, missingScopes: ['history'] }] }));
  expect(screen.getByText('Permissions, 2 of 3')).toBeTruthy();
  const item = screen.getByText('See your posts and comments').closest('li');
  expect(item?.dataset['granted']).toBe('false');
  expect(item?.querySelector('.eg-unseen')?.textContent).toBe('See your posts and comments, not granted');
});
