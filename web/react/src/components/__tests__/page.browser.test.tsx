import { act, screen, waitFor, within } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { type ErrorCode, EvergrantError, type Integration, IntegrationsPage } from '../../index.js';
import { sampleProviders } from '../../testing/index.js';
import { card, focused, lost, press, show, studio, vale } from './shown.js';

const headings = () => screen.getAllByRole('heading', { level: 2 }).map((one) => one.textContent);

test('what needs its owner comes first, then what is connected, then the rest', () => {
  show(<IntegrationsPage />, { integrations: [studio, { ...vale, ...lost }] });
  expect(headings()).toEqual(['Reddit', 'Instagram', 'TikTok', 'OnlyFans']);
});

test('nothing changes its place while the page is open', () => {
  const { client } = show(<IntegrationsPage />, { integrations: [studio] });
  act(() => client.set({ integrations: [studio, { ...vale, ...lost }] }));
  expect(headings()).toEqual(['Instagram', 'TikTok', 'Reddit', 'OnlyFans']);
});

test('one primary button in the whole page', () => {
  show(<IntegrationsPage />, {
    integrations: [
      { ...studio, ...lost },
      { ...vale, ...lost },
    ],
  });
  expect(document.querySelectorAll('[data-variant=primary]')).toHaveLength(1);
});

test('an account that is well is one line: no sentence, no button', () => {
  show(<IntegrationsPage />, { integrations: [vale] });
  const row = card('Reddit').querySelector<HTMLElement>('.eg-account')!;
  expect(row.querySelector('.eg-trouble')).toBeNull();
  expect(within(row).getAllByRole('button')).toHaveLength(1);
});

test.each<[Partial<Integration>, RegExp, string | null]>([
  [lost, /Access was withdrawn at Reddit/, 'Reconnect'],
  [{ ...lost, statusReason: 'REFRESH_TOKEN_INVALID' }, /Reddit asks you to sign in again/, 'Reconnect'],
  [{ ...lost, statusReason: 'SESSION_ENDED' }, /The session has ended/, 'Reconnect'],
  [{ ...lost, statusReason: 'LOST_IN_FLIGHT' }, /cut off on its way/, 'Reconnect'],
  [{ ...lost, statusReason: 'BRAND_NEW' }, /Reddit asks you to sign in again/, 'Reconnect'],
  [{ status: 'expiring' }, /only you can renew it/, 'Reconnect'],
  [{ status: 'error', statusReason: 'PROVIDER_UNAVAILABLE' }, /Reddit is not answering/, 'Try now'],
  [{ status: 'error', statusReason: 'USER_ACTION_AT_PLATFORM' }, /confirm something there/, 'Try now'],
  [
    { status: 'error', statusReason: 'DECRYPTION_ERROR', correlationId: 'c1' },
    /on our side/,
    'Copy reference',
  ],
  [{ statusReason: 'UNVERIFIED' }, /could not be checked/, null],
  [
    { statusReason: 'SCOPE_MISSING', missingScopes: ['history', 'read'] },
    /Not allowed: See your posts and comments and Read as you do\./,
    'Allow it',
  ],
])('trouble is one sentence and one button: %o', (change, sentence, button) => {
  show(<IntegrationsPage />, { integrations: [{ ...vale, ...change }] });
  const trouble = card('Reddit').querySelector('.eg-trouble');
  expect(trouble?.textContent).toMatch(sentence);
  expect([...(trouble?.querySelectorAll('button') ?? [])].map((one) => one.textContent)).toEqual(
    button ? [button] : [],
  );
});

test('a renewal that is only slow is no trouble of the user’s', () => {
  show(<IntegrationsPage />, { integrations: [{ ...vale, statusReason: 'REFRESH_RETRYING' }] });
  expect(document.querySelector('.eg-trouble')).toBeNull();
});

test('connecting says how far it is, and the button keeps its focus', async () => {
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

test('a page that was to be left and was not can be kept', async () => {
  const { client } = show(<IntegrationsPage />);
  act(() => client.set({ flow: { step: 'redirecting', provider: 'reddit', flowId: 'f1' } }));
  await userEvent.click(await screen.findByRole('button', { name: 'Cancel' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['cancel']);
});

test('while an account is reconnected its own button waits, and the card says what to do', async () => {
  const { client } = show(<IntegrationsPage />, { integrations: [{ ...vale, ...lost }] });
  act(() => client.set({ flow: { step: 'waiting', provider: 'reddit', accountId: 'r1', flowId: 'f1' } }));
  const button = screen.getByRole('button', { name: 'Reconnect: Juniper Vale' });
  expect(button.getAttribute('aria-disabled')).toBe('true');
  await within(card('Reddit')).findByText('Finish in the window that just opened.');
  expect(within(card('Reddit')).getByText('Needs you')).toBeTruthy();
  expect(
    screen.getByRole('button', { name: 'Connect another account' }).getAttribute('aria-disabled'),
  ).toBeNull();
});

test('an account that is renewed says so', () => {
  const { client } = show(<IntegrationsPage />, { integrations: [vale] });
  act(() => client.set({ busy: ['reddit/r1'] }));
  expect(within(card('Reddit')).getByText('Renewing').closest('li')?.getAttribute('aria-busy')).toBe('true');
});

test('a failure is one sentence, the button tries again, and it can be put away', async () => {
  const { client } = show(<IntegrationsPage />);
  const error = new EvergrantError('OAUTH_DENIED');
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', flowId: 'f1', error } }));
  await within(card('Reddit')).findByText('You did not allow access. Nothing was changed.');
  expect(within(card('Reddit')).getByRole('button', { name: 'Try again' })).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
  expect(client.calls.map(({ action }) => action)).toEqual(['dismiss']);
});

test('a failure that may soon be over says when, second by second, which no screen reader hears', async () => {
  const { client } = show(<IntegrationsPage />);
  const error = new EvergrantError('RATE_LIMIT_ERROR', 'too often', { status: 429, retryAfter: 12 });
  act(() => client.set({ flow: { step: 'failed', provider: 'reddit', error } }));
  const countdown = await within(card('Reddit')).findByText(/^Try again in 1[12] seconds$/);
  expect(countdown.closest('[role=status]')).toBeNull();
});

test('a failure has its reference at hand, unless it was the user’s own no', async () => {
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

test('an app’s own browser is told, with a way out', async () => {
  vi.spyOn(navigator, 'userAgent', 'get').mockReturnValue('Mozilla/5.0 (iPhone) Instagram 350.0');
  show(<IntegrationsPage />);
  expect((await screen.findByRole('note')).textContent).toMatch(/Open this page in your browser/);
  expect(screen.getByRole('button', { name: 'Copy link' })).toBeTruthy();
  vi.restoreAllMocks();
});

test('platforms that are not set up are not shown to users, unless something is connected', () => {
  const providers = sampleProviders.map((one) => ({ ...one, configured: one.provider === 'tiktok' }));
  show(<IntegrationsPage />, { providers, integrations: [vale] });
  expect(headings()).toEqual(['Reddit', 'TikTok']);
  expect(within(card('Reddit')).queryByRole('button', { name: /Connect/ })).toBeNull();
});

test('a card says which way it goes to its platform', () => {
  const providers = sampleProviders.map((one) => ({ ...one, configured: one.provider !== 'reddit' }));
  show(<IntegrationsPage />, { providers, integrations: [vale] });
  const note = (name: string) => card(name).querySelector('.eg-card-head .eg-note')?.textContent;
  expect(['Instagram', 'TikTok', 'OnlyFans', 'Reddit'].map(note)).toEqual([
    'Through Facebook',
    'TikTok Creator',
    'Uses a session of your browser',
    'Not set up',
  ]);
});

test('nine platforms can be searched', async () => {
  const providers = Array.from({ length: 9 }, (_, place) => ({
    ...sampleProviders[2]!,
    provider: `p${place}`,
    name: `Place ${place}`,
  }));
  show(<IntegrationsPage />, { providers });
  await userEvent.fill(screen.getByRole('searchbox', { name: 'Search platforms' }), 'place 7');
  expect(headings()).toEqual(['Place 7']);
  await userEvent.fill(screen.getByRole('searchbox'), 'nowhere');
  expect(screen.getByText('No platform is called “nowhere”.')).toBeTruthy();
});

test('permissions tell before what is asked for, and after what was allowed', () => {
  const { client } = show(<IntegrationsPage only={['reddit']} />);
  expect(screen.getByText('Permissions')).toBeTruthy();
  act(() => client.set({ integrations: [{ ...vale, missingScopes: ['history'] }] }));
  expect(screen.getByText('Permissions, 2 of 3')).toBeTruthy();
  const item = screen.getByText('See your posts and comments').closest('li');
  expect(item?.dataset['granted']).toBe('false');
  expect(item?.querySelector('.eg-unseen')?.textContent).toBe('See your posts and comments, not allowed');
});
