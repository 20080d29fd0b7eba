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

test('a verifier is kept for exactly ten minutes', () => {
  records.create('a', record);
  vi.setSystemTime(599_999);
  expect(records.read('a')?.verifier).toBe('v');
  vi.setSystemTime(600_000);
  expect(records.read('a')).toBeNull();
  expect(local.map.size).toBe(0);
});

test('creating a record erases the expired ones', () => {
  records.create('a', record);
  vi.setSystemTime(600_000);
  records.create('b', record);
  expect([...local.map.keys()]).toEqual(['evergrant:flow:b']);
});

test('createFlowRecords erases expired records', () => {
  records.create('a', record);
  vi.setSystemTime(600_000);
  createFlowRecords({ local: () => local });
  expect(local.map.size).toBe(0);
});

test('cancelling keeps a record without verifier and receipt', () => {
  records.create('a', record);
  records.storeReceipt('a', 'r');
  records.cancel('a');
  expect(records.read('a')).not.toHaveProperty('verifier');
  expect([...local.map.values()].join()).not.toMatch(/"v"|"r"/);
});

test('a receipt is stored only for a flow of this browser', () => {
  records.storeReceipt('unknown', 'r');
  expect(local.map.size).toBe(0);
});

test('latest returns the newest flow of a provider', () => {
  records.create('old', record);
  vi.setSystemTime(1000);
  records.create('new', record);
  records.create('other', { ...record, provider: 'tiktok' });
  expect(records.latest('reddit')?.flowId).toBe('new');
  expect(records.latest('acme')).toBeNull();
});

test('a record that cannot be parsed is erased', () => {
  local.setItem('evergrant:flow:a', 'nonsense');
  expect(records.read('a')).toBeNull();
  expect(local.map.size).toBe(0);
});

test('full storage throws an EvergrantError', () => {
  const full = createFlowRecords({
    local: () =>
      ({
        ...local,
        setItem: () => {
          throw new DOMException('full', 'QuotaExceededError');
        },
      }) as never,
  });
  expect(() => full.create('a', record)).toThrow(EvergrantError);
});
