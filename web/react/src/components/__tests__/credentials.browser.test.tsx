import { act, screen, waitFor } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { CredentialsDialog, EvergrantError } from '../../index.js';
import { sampleProviders } from '../../testing/index.js';
import { focused, show } from './shown.js';

const fields = sampleProviders.find(({ provider }) => provider === 'onlyfans')?.fields ?? [];
const flow = { step: 'credentials', provider: 'onlyfans', flowId: 'f1', fields, busy: false } as const;
const COMMAND = `curl 'https://sim.example' -H 'x-bc: bc0ffee' -b 'sess=s3cret; auth_id=900001' -H 'user-agent: Mozilla/5.0'`;

async function open() {
  const shown = show(<CredentialsDialog />);
  act(() => shown.client.set({ flow }));
  await screen.findByRole('dialog', { name: 'Connect OnlyFans' });
  const box = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Copied request' });
  const sent = () => shown.client.calls.filter(({ action }) => action === 'submitCredentials');
  return { ...shown, box, sent };
}

async function submit() {
  await userEvent.click(screen.getByRole('button', { name: 'Connect' }));
}

test('a pasted request is parsed at once, and its text erased', async () => {
  const { box } = await open();
  expect(focused()).toBe(box);
  await userEvent.fill(box, COMMAND);
  expect(box.value).toBe('');
  const found = screen.getByRole('list', { name: 'Found in the pasted text' });
  expect([...found.children].map((item) => item.textContent)).toEqual([
    'sess: foundsess',
    'auth_id: foundauth_id',
    'User-Agent: foundUser-Agent',
    'x-bc: foundx-bc',
  ]);
  expect(document.body.textContent).not.toContain('s3cret');
});

test('the parsed session is sent only once confirmed', async () => {
  const { box, sent } = await open();
  await userEvent.fill(box, COMMAND);
  await submit();
  expect(sent()).toEqual([]);
  expect(screen.getByRole('alert').textContent).toBe('Please confirm this.');
  await waitFor(() => expect(focused()?.getAttribute('name')).toBe('consent'));
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  const values = { sess: 's3cret', auth_id: '900001', user_agent: 'Mozilla/5.0', x_bc: 'bc0ffee' };
  expect(sent()).toEqual([{ action: 'submitCredentials', args: [values] }]);
});

test('the inputs are cleared when the session is sent', async () => {
  const { box, client, container } = await open();
  client.submitCredentials = async () => {};
  await userEvent.fill(box, COMMAND);
  await userEvent.click(screen.getByRole('checkbox'));
  const inputs = [...container.ownerDocument.querySelectorAll('input')];
  await submit();
  expect(inputs.filter((input) => input.type !== 'checkbox' && input.value !== '')).toEqual([]);
});

test('a missing value focuses its field and shows an error', async () => {
  const { box, sent } = await open();
  await userEvent.fill(box, 'sess=s3cret');
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  expect(sent()).toEqual([]);
  const first = await screen.findByRole('textbox', { name: 'auth_id' });
  await waitFor(() => expect(focused()).toBe(first));
  expect(first.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(first.getAttribute('aria-describedby') ?? '')?.textContent).toBe(
    'This field is required.',
  );
});

test('text without a session shows an error', async () => {
  const { box } = await open();
  await userEvent.fill(box, 'hello');
  expect(screen.getByText(/pasted text contains no session/)).toBeTruthy();
  expect(box.getAttribute('aria-invalid')).toBe('true');
});

test('a field error of the server shows below its field, which is focused', async () => {
  const { client } = await open();
  const fieldErrors = { 'values.x_bc': 'x-bc has characters that cannot be part of it.' };
  const error = new EvergrantError('VALIDATION_ERROR', 'No', { fields: fieldErrors });
  act(() => client.set({ flow: { ...flow, error } }));
  await waitFor(() => expect(focused()?.getAttribute('name')).toBe('x_bc'));
  expect(screen.getByText(fieldErrors['values.x_bc'])).toBeTruthy();
});

test('an error without a field shows once', async () => {
  const { client } = await open();
  act(() => client.set({ flow: { ...flow, error: new EvergrantError('PROVIDER_UNAVAILABLE') } }));
  expect(screen.getByRole('alert').textContent).toBe('OnlyFans is not responding. Try again shortly.');
});

test('secret inputs are masked and excluded from autocomplete', async () => {
  const { container } = await open();
  const input = (name: string) => container.ownerDocument.querySelector<HTMLInputElement>(`[name=${name}]`);
  expect(['sess', 'x_bc', 'auth_uid_'].map((name) => input(name)?.type)).toEqual(Array(3).fill('password'));
  expect(['auth_id', 'user_agent'].map((name) => input(name)?.type)).toEqual(Array(2).fill('text'));
  for (const one of document.querySelectorAll('dialog :is(input:not([type=checkbox]), textarea)')) {
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
