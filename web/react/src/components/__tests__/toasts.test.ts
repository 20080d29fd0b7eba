import { beforeEach, expect, test } from 'vitest';
import { hideToast, showToast, toasts } from '../toasts.js';

beforeEach(() => toasts.set([]));

const texts = () => toasts.get().map(({ text }) => text);

test('a repeated toast moves to the end instead of being duplicated', () => {
  showToast('a');
  showToast('b');
  const [first] = toasts.get();
  showToast('a', 'error');
  expect(texts()).toEqual(['b', 'a']);
  expect(toasts.get().at(-1)).toMatchObject({ status: 'error' });
  hideToast(first?.id ?? 0);
  expect(texts()).toEqual(['b', 'a']);
});

test('the oldest toast is dropped when there are more than three', () => {
  for (const text of ['a', 'b', 'c', 'd']) showToast(text);
  expect(texts()).toEqual(['b', 'c', 'd']);
});
