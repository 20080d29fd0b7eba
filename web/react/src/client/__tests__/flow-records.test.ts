import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EvergrantError } from '../error.js';
import { createFlowRecords } from '../flow-records.js';
import { FakeStorage } from './fake-browser.js';

const local = new FakeStorage();
const records = createFlowRecords({ local: () => local });
const record = {
  provider: 'reddit',
  mode: 'popup',
  returnTo: 'https://app.example/',
  verifier: 'v',
} as const;

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => {
  vi.useRealTimers();
  local.map.clear();
});

test('a verifier is kept for ten minutes and not a moment longer', () => {
  records.begin('a', record);
  vi.setSystemTime(599_999);
  expect(records.read('a')?.verifier).toBe('v');
  vi.setSystemTime(600_000);
  expect(records.read('a')).toBeNull();
  expect(local.map.size).toBe(0);
});

test('beginning a flow erases those that are over, finished or not', () => {
  records.begin('a', record);
  vi.setSystemTime(600_000);
  records.begin('b', record);
  expect([...local.map.keys()]).toEqual(['evergrant:flow:b']);
});

test('a page that reads none of them erases those that are over all the same', () => {
  records.begin('a', record);
  vi.setSystemTime(600_000);
  createFlowRecords({ local: () => local });
  expect(local.map.size).toBe(0);
});

test('a cancel leaves a note without anything secret', () => {
  records.begin('a', record);
  records.keepReceipt('a', 'r');
  records.cancel('a');
  expect(records.read('a')).not.toHaveProperty('verifier');
  expect([...local.map.values()].join()).not.toMatch(/"v"|"r"/);
});

test('a receipt is kept for a flow of this browser alone', () => {
  records.keepReceipt('foreign', 'r');
  expect(local.map.size).toBe(0);
});

test('the latest flow of a platform is found', () => {
  records.begin('old', record);
  vi.setSystemTime(1000);
  records.begin('new', record);
  records.begin('other', { ...record, provider: 'tiktok' });
  expect(records.latest('reddit')?.flowId).toBe('new');
  expect(records.latest('acme')).toBeNull();
});

test('what somebody else wrote is erased, not believed', () => {
  local.setItem('evergrant:flow:a', 'nonsense');
  expect(records.read('a')).toBeNull();
  expect(local.map.size).toBe(0);
});

test('a storage that is full or blocked is told', () => {
  const full = createFlowRecords({
    local: () =>
      ({
        ...local,
        setItem: () => {
          throw new DOMException('full', 'QuotaExceededError');
        },
      }) as never,
  });
  expect(() => full.begin('a', record)).toThrow(EvergrantError);
});
