import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSseParser, type SseMessage } from '../sse.js';

function read(...chunks: string[]): SseMessage[] {
  const messages: SseMessage[] = [];
  const parse = createSseParser((message) => messages.push(message));
  chunks.forEach(parse);
  return messages;
}

test('an event has a name, data and an id', () => {
  expect(read('id: 7\nevent: connected\ndata: {"a":1}\n\n')).toEqual([
    { event: 'connected', data: '{"a":1}', id: '7' },
  ]);
});

test('comments, unknown fields and blocks without data are ignored', () => {
  expect(read(': alive\n\nretry: 100\nnonsense\n\nevent: ready\n\ndata: x\n\n')).toEqual([
    { event: 'message', data: 'x', id: undefined },
  ]);
});

test('data lines are joined, and one space after the colon is dropped', () => {
  expect(read('data:  a\ndata:b\ndata\n\n')[0]?.data).toBe(' a\nb\n');
});

test('an id applies until the next one', () => {
  expect(read('id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n').map(({ id }) => id)).toEqual(['1', '1', '']);
});

test('a byte order mark at the start is dropped', () => {
  expect(read('\uFEFFdata: a\n\n')[0]?.data).toBe('a');
});

test('chunk boundaries do not affect parsing', () => {
  const field = fc.constantFrom('event: e', 'data: d', 'data:', 'id: 3', ': comment', '', '', 'data: a:b');
  const lines = fc.array(fc.tuple(field, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat(60), { maxLength: 12 }), (pairs, cuts) => {
      const text = pairs.map(([line, end]) => line + end).join('');
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((place, index) => text.slice(places[index], place));
      expect(read(...chunks)).toEqual(read(text));
    }),
  );
});
