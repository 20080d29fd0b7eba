import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reading } from '../findings.js';
import { MAX_TEXT, readSession } from '../read-session.js';
import { shellWords } from '../shell-words.js';

interface Vector {
  name: string;
  text: string;
  found: Record<string, string>;
  cause?: string;
  host?: string;
  masked?: string[];
}

const FILE = new URL('../../../../../crates/adapters/tests/pasted_sessions.json', import.meta.url);
const { domains, now, vectors } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  domains: string[];
  now: string;
  vectors: Vector[];
};
const read = (text: string): Reading => readSession(text, domains, Date.parse(now) / 1000);

test.each(vectors)('$name', ({ text, found, cause, host, masked }) => {
  const reading = read(text);
  expect(reading.values).toEqual(found);
  expect(reading.cause?.kind).toEqual(cause);
  if (reading.cause?.kind === 'wrongSite') expect(reading.cause.host).toBe(host);
  if (reading.cause?.kind === 'masked') expect(reading.cause.parts).toEqual(masked);
});

/** The pieces of which the forms consist. */
const PIECES = [
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '\\',
  '`',
  '=',
  ':',
  ';',
  ',',
  '\n',
  '\t',
  ' ',
  '#',
  'é',
  '^"',
  "$'",
  '%3',
  '"""',
  "'''",
  '-H ',
  '-b',
  'curl ',
  'fetch(',
  'cookie',
  'Cookie: ',
  'cookie:\n',
  'sess=',
  'sess=a;',
  'auth_id',
  'auth_uid_1',
  'x-bc',
  'user-agent: a\nb/1\n',
  'System.Net.Cookie(',
  'WebRequestSession',
  'https://onlyfans.com/a',
  'https://b.example',
  '{"url":"https://a",',
  '"log":{"entries":',
  '"name":',
  '"value":',
  '[{"',
  'GET / HTTP/2\n',
  'TRUE\t',
  '900001',
  '••',
  '“',
  '\ufeff',
];

test('any text is read', () => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, fc.string({ unit: 'binary' }), (one, other) => void [read(one), read(other)]),
    { numRuns: 500 },
  );
});

test('a single-quoted value is unchanged', () => {
  const value = fc.string({ unit: fc.constantFrom(...'abc019!#$%&()+-./:<=>?@[]^_{|}~'), minLength: 1 });
  fc.assert(
    fc.property(value, (one) => {
      fc.pre(!one.endsWith('...'));
      expect(read(`curl 'https://onlyfans.com' -H 'x-bc: ${one}'`).values.x_bc).toBe(one);
    }),
  );
});

/** A reader that takes quadratic time needs hours for one of these texts. */
test('repeated pieces are read in linear time', { timeout: 120_000 }, () => {
  for (const piece of PIECES) {
    const text = piece.repeat((64 * 1024) / piece.length);
    for (const start of ['', 'curl ', '{', "'"]) read(start + text);
  }
});

test('a HAR file of 20 MB is read', { timeout: 60_000 }, () => {
  const vector = vectors.find(({ name }) => name.startsWith('HAR with other sites'));
  const har = JSON.parse(vector?.text ?? '') as { log: { entries: object[] } };
  const entry = JSON.stringify({
    request: { url: 'https://cdn2.onlyfans.com/a', headers: [{ name: 'accept', value: '*/*' }] },
    response: { content: { text: '{"a": "\\"", "b": []} '.repeat(200) } },
  });
  const count = Math.floor((MAX_TEXT - 10_000) / entry.length);
  const entries = [...har.log.entries.map((one) => JSON.stringify(one)), ...Array<string>(count).fill(entry)];
  const text = `{"log":{"entries":[${entries.join()}]}}`;
  expect(text.length).toBeGreaterThan(19 * 1024 * 1024);
  expect(read(text).values).toEqual(vector?.found);
});

test.each([
  [`a 'b c' "d e" f\\ g`, ['a', 'b c', 'd e', 'f g']],
  [`'a'\\''b' "" ''`, ["a'b", '', '']],
  [`"a\\"b\\\\c\\d $e"`, ['a"b\\c\\d $e']],
  [`$'a\\'b\\u0021\\x41\\n' $a`, ["a'b!A\n", '$a']],
  ['a \\\n b \\\r\n c', ['a', 'b', 'c']],
  [`curl ^"a^%b^" ^\r\n -H ^"c: ^\\^"d^\\^"^"`, ['curl', 'a%b', '-H', 'c: "d"']],
  [`curl "a^b" ^\n -H "c"`, ['curl', 'a^b', '-H', 'c']],
  [`'open`, ['open']],
  ['$(reboot) `reboot` ; && |', ['$(reboot)', '`reboot`', ';', '&&', '|']],
])('shellWords splits like a shell: %s', (command, words) => expect(shellWords(command)).toEqual(words));
