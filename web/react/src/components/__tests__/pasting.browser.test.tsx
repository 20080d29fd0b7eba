import { act, screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import {
  chooseFile,
  COMMAND,
  COMPLETE_HAR,
  foundItems,
  har,
  open,
  paste,
  submit,
  VALUES,
} from './credentials-dialog.js';
import { focused } from './shown.js';

test('a pasted request is read at once, and stays in the box', async () => {
  const { box } = await open();
  expect(focused()).toBe(box);
  await userEvent.fill(box, COMMAND);
  expect(box.value).toBe(COMMAND);
  expect(foundItems()).toEqual([
    'sess: foundsess',
    'auth_id: foundauth_id',
    'User-Agent: foundUser-Agent',
    'x-bc: foundx-bc',
  ]);
  expect(document.body.textContent).not.toContain('s3cret');
});

test('the pasted text is hidden while the box has no focus', async () => {
  const { box } = await open();
  await userEvent.fill(box, COMMAND);
  expect(getComputedStyle(box).getPropertyValue('-webkit-text-security')).toBe('none');
  act(() => box.blur());
  expect(getComputedStyle(box).getPropertyValue('-webkit-text-security')).toBe('disc');
});

test('a HAR file is read from the clipboard and stays out of the box', async () => {
  const { box, sent } = await open();
  const event = paste(box, COMPLETE_HAR);
  expect([event.defaultPrevented, box.value, foundItems().length]).toEqual([true, '', 4]);
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  expect(sent()).toEqual([{ action: 'submitCredentials', args: [VALUES] }]);
});

test('a HAR file is read from the disk', async () => {
  await open();
  await chooseFile(new File([COMPLETE_HAR], 'onlyfans.com.har'));
  await waitFor(() => expect(foundItems()).toHaveLength(4));
});

test('a file of more than 20 MB is not read', async () => {
  await open();
  await chooseFile(new File([' '.repeat(20 * 1024 * 1024 + 1)], 'long.har'));
  expect(
    screen.getByText('This file is larger than 20 MB. Choose Copy as cURL on one request.'),
  ).toBeTruthy();
});

test.each([
  ['hello', 'The pasted text contains no session. Choose Copy as cURL on a request to onlyfans.com.'],
  [
    "curl 'https://fansly.com/a' -b 'sess=a; auth_id=1'",
    'The pasted text is of fansly.com. Copy a request to onlyfans.com.',
  ],
  [
    'sess=a; auth_id=1',
    'The pasted text contains no User-Agent or x-bc. Cookies alone are not enough. Choose Copy as cURL, or enter the other values below.',
  ],
  [
    COMMAND.replace('s3cret', '•••'),
    'The value of sess is hidden in the pasted text. Copy the request itself, not what a page shows of it.',
  ],
  [
    '.onlyfans.com\tTRUE\t/\tTRUE\t1\tsess\ta',
    'The pasted session has expired. Sign in to OnlyFans again, and copy a new request.',
  ],
  [
    har({ 'x-bc': 'b' }).replace('x'.repeat(100_000), ''),
    'This HAR file has no cookies. Export it with sensitive data, or choose Copy as cURL on one request.',
  ],
  [
    'fetch("https://onlyfans.com/a", {"headers": {"x-bc": "b"}})',
    'Copy as fetch leaves out the cookies. Choose Copy as cURL.',
  ],
  [COMMAND.replace("-H 'x-bc: bc0ffee'", ''), 'The pasted text contains no x-bc. The header of this name.'],
])('an incomplete text is answered with what to paste instead: %s', async (text, message) => {
  const { box } = await open();
  await userEvent.fill(box, text);
  expect(screen.getByText(message)).toBeTruthy();
  expect(box.getAttribute('aria-invalid')).toBe('true');
});

test('a second text completes the first', async () => {
  const { box, sent } = await open();
  await userEvent.fill(box, 'sess=s3cret; auth_id=900001');
  await userEvent.fill(box, 'User-Agent: Mozilla/5.0\nx-bc: bc0ffee');
  expect(box.getAttribute('aria-invalid')).toBeNull();
  await userEvent.click(screen.getByRole('checkbox'));
  await submit();
  expect(sent()).toEqual([{ action: 'submitCredentials', args: [VALUES] }]);
});
