import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleProviders } from '../../testing/samples.js';
import { readPasted } from '../read-pasted.js';
import { shellWords } from '../shell-words.js';

const fields = sampleProviders.find(({ provider }) => provider === 'onlyfans')?.fields ?? [];
const read = (text: string) => readPasted(text, fields);
const cookies = { sess: 's3ss!on', auth_id: '900001', auth_uid_: '42' };
const session = { ...cookies, user_agent: 'Mozilla/5.0 (X11; "Sim")', x_bc: 'bc0ffee' };

test.each([
  // Chromium, then Firefox, on Linux and macOS. Chromium writes cookies with -b, and `!` as an
  // ANSI-C escape.
  `curl 'https://sim.example/api' \\\n  -H 'accept: */*' \\\n  -b $'auth_id=900001; sess=s3ss\\u0021on; auth_uid_900001=42' \\\n  -H 'user-agent: Mozilla/5.0 (X11; "Sim")' \\\n  -H 'x-bc: bc0ffee' \\\n  --compressed`,
  `curl 'https://sim.example/api' -X POST -H 'User-Agent: Mozilla/5.0 (X11; "Sim")' -H 'Cookie: sess=s3ss!on; auth_id=900001; auth_uid_=42' -H 'X-BC: bc0ffee' --data-raw 'a -H b'`,
  // Chromium on Windows, for cmd.
  `curl ^"https://sim.example/api^" ^\r\n  -H ^"accept: */*^" ^\r\n  -b ^"sess=s3ss^!on; auth_id=900001; auth_uid_=42^" ^\r\n  -H ^"user-agent: Mozilla/5.0 (X11; ^\\^"Sim^\\^")^" ^\r\n  -H ^"x-bc: bc0ffee^"`,
  // Long options, and values attached to short ones.
  `CURL https://sim.example --cookie='sess=s3ss!on; auth_id=900001' --cookie auth_uid_=42 --user-agent "Mozilla/5.0 (X11; \\"Sim\\")" -Hx-bc:bc0ffee`,
  `Host: sim.example\nCookie: sess=s3ss!on; auth_id=900001; auth_uid_=42\nUser-Agent: Mozilla/5.0 (X11; "Sim")\nX-BC: bc0ffee`,
  JSON.stringify({ ...cookies, auth_id: 900001, user_agent: 'Mozilla/5.0 (X11; "Sim")', x_bc: 'bc0ffee' }),
  JSON.stringify({
    auth: {
      cookie: 'auth_id=900001; sess=s3ss!on; auth_uid_=42',
      'user-agent': 'Mozilla/5.0 (X11; "Sim")',
      'x-bc': 'bc0ffee',
    },
  }),
])('a complete session is parsed: %#', (text) => expect(read(text)).toEqual(session));

test.each([
  'sess=s3ss!on; auth_id=900001; auth_uid_=42',
  '  Cookie: sess=s3ss!on;auth_id=900001 ; auth_uid_=42 \r\n',
  'cookie:sess=s3ss!on; other=a:b=c; auth_id=900001;\n auth_uid_=42',
  JSON.stringify([
    { name: 'sess', value: 's3ss!on', domain: '.sim.example' },
    { name: 'auth_id', value: '900001' },
    { name: 'auth_uid_900001', value: '42' },
  ]),
])('cookies alone are parsed: %#', (text) => expect(read(text)).toEqual(cookies));

test.each([
  '',
  ' ',
  'curl',
  'curl -H',
  'curl -b',
  '{',
  '{}',
  '{"auth":7}',
  '[]',
  '[1]',
  'hello',
  "curl 'open",
  ':',
  '=',
])('text without a session yields nothing: %s', (text) => expect(read(text)).toEqual({}));

test('only the requested fields are returned', () => {
  expect(readPasted('sess=a; other=b', [{ name: 'sess' }, { name: 'pasted' }])).toEqual({ sess: 'a' });
});

test('parsing terminates for any input', () => {
  const text = fc.tuple(
    fc.constantFrom('', 'curl ', '{'),
    fc.string({ unit: fc.constantFrom(...'\\\'"^$\n -Hb;:=ax{}') }),
  );
  fc.assert(
    fc.property(text, ([start, rest]) => void read(start + rest)),
    { numRuns: 500 },
  );
});

test('a single-quoted value is unchanged', () => {
  const value = fc.string({ unit: fc.constantFrom(...'abc019!"#$%&()*+,-./:<=>?@[]^_`{|}~'), minLength: 1 });
  fc.assert(
    fc.property(value, (one) => {
      expect(read(`curl 'https://sim.example' -H 'x-bc: ${one}'`)['x_bc']).toBe(one);
    }),
  );
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
