/** Helpers for tests of the dialog in which the user pastes a session. */
import { act, screen } from '@testing-library/react';
import { userEvent } from 'vitest/browser';
import { CredentialsDialog, EvergrantError } from '../../index.js';
import { sampleProviders } from '../../testing/index.js';
import { show } from './shown.js';
// Loaded in advance, so that the form renders at once.
import '../credentials/CredentialsForm.js';

const fields = sampleProviders.find(({ provider }) => provider === 'onlyfans')?.fields ?? [];
export const flow = { step: 'credentials', provider: 'onlyfans', flowId: 'f1', fields, busy: false } as const;
export const COMMAND = `curl 'https://onlyfans.com/api' -H 'x-bc: bc0ffee' -b 'sess=s3cret; auth_id=900001' -H 'user-agent: Mozilla/5.0'`;
export const VALUES = { sess: 's3cret', auth_id: '900001', user_agent: 'Mozilla/5.0', x_bc: 'bc0ffee' };

export async function open() {
  const shown = show(<CredentialsDialog />);
  act(() => shown.client.set({ flow }));
  await screen.findByRole('dialog', { name: 'Connect OnlyFans' });
  const box = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Copied request' });
  const sent = () => shown.client.calls.filter(({ action }) => action === 'submitCredentials');
  const reject = (fields: Record<string, string>) =>
    act(() =>
      shown.client.set({
        flow: { ...flow, error: new EvergrantError('VALIDATION_ERROR', 'No', { fields }) },
      }),
    );
  return { ...shown, box, sent, reject };
}

export async function submit() {
  await userEvent.click(screen.getByRole('button', { name: 'Connect' }));
}

export const foundItems = () =>
  [...screen.getByRole('list', { name: 'Found in the pasted text' }).children].map(
    (item) => item.textContent,
  );

export const har = (headers: Record<string, string>) =>
  JSON.stringify({
    log: {
      entries: [
        {
          request: {
            url: 'https://onlyfans.com/api',
            headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
          },
          response: { content: { text: 'x'.repeat(100_000) } },
        },
      ],
    },
  });
export const COMPLETE_HAR = har({
  cookie: 'sess=s3cret; auth_id=900001',
  'user-agent': 'Mozilla/5.0',
  'x-bc': 'bc0ffee',
});

export function paste(box: HTMLElement, text: string) {
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
  act(() => void box.dispatchEvent(event));
  return event;
}

export async function chooseFile(file: File) {
  const input = document.querySelector<HTMLInputElement>('dialog input[type=file]');
  const files = new DataTransfer();
  files.items.add(file);
  await act(async () => {
    input!.files = files.files;
    input!.dispatchEvent(new Event('change', { bubbles: true }));
  });
}
