import { act, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { CredentialsDialog, EvergrantError } from '../../index.js';
import { SESSION_FORM } from '../../messages/session-form.js';
import { COMMAND, flow, open, submit, VALUES } from './credentials-dialog.js';
import { focused, show } from './shown.js';

test('the dialog says what the form of the server says', async () => {
  await open();
  const shown = document.querySelector('dialog')?.textContent;
  const values = { provider: 'OnlyFans', app: location.host, domain: 'onlyfans.com' };
  const {
    title,
    introduction,
    signIn,
    steps,
    paste,
    otherForms,
    byHand,
    warning,
    storage,
    ends,
    terms,
    consent,
    save,
  } = SESSION_FORM;
  const texts = [
    title,
    introduction,
    signIn,
    ...steps,
    paste,
    otherForms,
    byHand,
    warning,
    storage,
    ends,
    terms,
    consent,
    save,
  ];
  for (const text of texts) {
    const filled = text.replace(/\{(\w+)\}/g, (_, name: keyof typeof values) => values[name]);
    expect(shown).toContain(filled);
  }
});

test('the sign-in page of the platform is linked', async () => {
  await open();
  const link = screen.getByRole<HTMLAnchorElement>('link', { name: 'Open OnlyFans' });
  expect([link.href, link.target, link.rel]).toEqual([
    'https://onlyfans.com/',
    '_blank',
    'noopener noreferrer',
  ]);
});

test('the session is sent only once confirmed, and only its values', async () => {
  const { box, sent } = await open();
  await userEvent.fill(box, COMMAND);
  await submit();
  expect(sent()).toEqual([]);
  expect(screen.getByRole('alert').textContent).toBe('Please confirm this to continue.');
  await waitFor(() => expect(focused()?.getAttribute('name')).toBe('consent'));
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  expect(sent()).toEqual([{ action: 'submitCredentials', args: [VALUES] }]);
});

test('a rejected session keeps the paste view with the pasted text', async () => {
  const { box, client, reject } = await open();
  client.submitCredentials = async () => {};
  await userEvent.fill(box, COMMAND);
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  await reject({
    'values.sess': 'OnlyFans says that this session has ended. Log in there and copy it again.',
  });
  await waitFor(() => expect(focused()).toBe(box));
  expect(box.value).toBe(COMMAND);
  expect(box.getAttribute('aria-invalid')).toBe('true');
  expect(screen.getByText(/this session has ended/).closest('[role=status]')).toBeTruthy();
  expect(document.querySelector('dialog details')?.hasAttribute('open')).toBe(false);
  await userEvent.fill(box, COMMAND.replace('s3cret', 's3cond'));
  expect(screen.queryByText(/this session has ended/)).toBeNull();
});

test('a missing value focuses its field and shows an error', async () => {
  const { sent } = await open();
  document.querySelector('dialog details')?.setAttribute('open', '');
  await userEvent.fill(document.querySelector<HTMLInputElement>('[name=sess]')!, 's3cret');
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  expect(sent()).toEqual([]);
  const first = await screen.findByRole('textbox', { name: 'auth_id' });
  await waitFor(() => expect(focused()).toBe(first));
  expect(first.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(first.getAttribute('aria-describedby') ?? '')?.textContent).toBe(
    'Please fill in auth_id.',
  );
});

test('a field error of the server shows below its field, which is focused', async () => {
  const { reject } = await open();
  const fieldErrors = { 'values.x_bc': 'x-bc has characters that cannot be part of it.' };
  await reject(fieldErrors);
  await waitFor(() => expect(focused()?.getAttribute('name')).toBe('x_bc'));
  expect(screen.getByText(fieldErrors['values.x_bc'])).toBeTruthy();
});

test('an error without a field shows once', async () => {
  const { client } = await open();
  act(() => client.set({ flow: { ...flow, error: new EvergrantError('PROVIDER_UNAVAILABLE') } }));
  expect(screen.getByRole('alert').textContent).toMatch(/^OnlyFans is not responding properly\. Try again/);
});

test('secret inputs are masked and excluded from autocomplete', async () => {
  const { container } = await open();
  const input = (name: string) => container.ownerDocument.querySelector<HTMLInputElement>(`[name=${name}]`);
  expect(['sess', 'x_bc', 'auth_uid_'].map((name) => input(name)?.type)).toEqual(Array(3).fill('password'));
  expect(['auth_id', 'user_agent'].map((name) => input(name)?.type)).toEqual(Array(2).fill('text'));
  for (const one of document.querySelectorAll(
    'dialog :is(input:not([type=checkbox], [type=file]), textarea)',
  )) {
    expect(one.getAttribute('autocomplete')).toBe('off');
    expect(one.getAttribute('spellcheck')).toBe('false');
  }
});

test('the User-Agent of this browser can be filled in', async () => {
  const { container } = await open();
  container.ownerDocument.querySelector('details')?.setAttribute('open', '');
  await userEvent.click(screen.getByRole('button', { name: 'Use this browser’s' }));
  expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'User-Agent' }).value).toBe(
    navigator.userAgent,
  );
});

test('a phone shows that this needs a computer', async () => {
  vi.spyOn(window, 'matchMedia').mockReturnValueOnce({ matches: true } as MediaQueryList);
  const { client } = show(<CredentialsDialog />);
  act(() => client.set({ flow }));
  await screen.findByText(/This needs a computer/);
  expect(screen.queryByRole('textbox')).toBeNull();
  expect(screen.getByRole('button', { name: 'Copy link' })).toBeTruthy();
});
