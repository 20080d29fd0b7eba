import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleIntegration, sampleProviders } from '../../testing/samples.js';
import { type AccountEvent, withEvent } from '../events.js';
import { initialSnapshot, withStatus } from '../snapshot.js';

const vale = sampleIntegration({ id: 1, providerAccountId: 'a' });
const other = sampleIntegration({ id: 2, providerAccountId: 'b', provider: 'tiktok' });
const start = initialSnapshot({ version: 5, providers: sampleProviders, integrations: [vale] });

const event = (version: number, change: Partial<AccountEvent> = {}): AccountEvent => ({
  type: 'refreshed',
  version,
  at: '2030-01-01T00:00:00.000Z',
  provider: 'reddit',
  accountId: 'a',
  integration: { ...vale, displayName: `v${version}` },
  ...change,
});

test('a response with an older version is dropped', () => {
  expect(withStatus(start, { version: 4, integrations: [] })).toBe(start);
  expect(withStatus(start, { version: 5, integrations: [] }).integrations).toEqual([]);
});

test('events already applied, and events before the first response, are dropped', () => {
  expect(withEvent(start, event(5))).toBe(start);
  const blank = initialSnapshot();
  expect(withEvent(blank, event(9))).toBe(blank);
});

test('an event changes, adds or removes its account', () => {
  expect(withEvent(start, event(6)).integrations).toMatchObject([{ displayName: 'v6' }]);
  const added = withEvent(start, event(6, { provider: 'tiktok', accountId: 'b', integration: other }));
  expect(added.integrations).toHaveLength(2);
  const { integration: _removed, ...disconnected } = event(6, { type: 'disconnected' });
  expect(withEvent(start, disconnected).integrations).toEqual([]);
});

test('the newest response wins in any order of arrival', () => {
  const versions = fc.array(fc.nat(20), { minLength: 1 });
  fc.assert(
    fc.property(versions, (order) => {
      const blank = initialSnapshot();
      const last = order.reduce(
        (known, version) =>
          withStatus(known, { version, integrations: [{ ...vale, displayName: `v${version}` }] }),
        blank,
      );
      expect(last.integrations[0]?.displayName).toBe(`v${Math.max(...order)}`);
    }),
  );
});

test('unchanged values keep their identity', () => {
  const next = withStatus(start, { version: 6, integrations: [structuredClone(vale), other] });
  expect(next.integrations[0]).toBe(start.integrations[0]);
  const of = (provider: string, snapshot: typeof start) =>
    snapshot.providers.find((one) => one.provider === provider);
  expect(of('reddit', next)).toBe(of('reddit', start));
  expect(of('tiktok', next)).not.toBe(of('tiktok', start));
  const same = withStatus(next, { version: 7, integrations: structuredClone(next.integrations) });
  expect(same.integrations).toBe(next.integrations);
  expect(same.providers).toBe(next.providers);
});
