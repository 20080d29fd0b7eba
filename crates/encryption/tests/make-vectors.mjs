// Prints vectors.json: ciphertexts of the Node.js reference cipher for many keys and tokens.
// Run: node make-vectors.mjs > vectors.json
//
// IVs are derived from a hash, so that the output is deterministic and a test can detect an outdated file.

import { createHash, createHmac } from 'node:crypto';
import { encryptToken, encryptionKey } from '../../../tests/reference-cipher/cipher.mjs';

const base64 = Buffer.alloc(32, 0xfb).toString('base64');
const hash = (text) => createHash('sha256').update(text).digest();
const replaced = (at, units) => base64.slice(0, at) + units + base64.slice(at + units.length);

// `refused` marks invalid keys. Node.js accepts the last two, because it truncates wide characters to a byte.
const keys = [
  { name: 'base64 of 32 bytes', text: hash('key').toString('base64') },
  { name: 'base64 with + and /', text: base64 },
  { name: 'url-safe base64', text: base64.replaceAll('+', '-').replaceAll('/', '_') },
  { name: 'both base64 alphabets in one key', text: base64.replace('+', '-') },
  { name: 'base64 with trailing bits set', text: replaced(42, 'v') },
  { name: 'base64 with another last digit', text: replaced(42, 'w') },
  { name: '44 digits without padding', text: `${base64.slice(0, 43)}A` },
  { name: 'base64 without its padding', text: base64.slice(0, 43) },
  { name: 'base64 and a space', text: `${base64} ` },
  { name: 'base64 and a line feed', text: `${base64}\n` },
  { name: 'a space and base64', text: ` ${base64}` },
  { name: '64 hex digits', text: hash('key').toString('hex') },
  { name: '32 characters', text: 'abcdefghijklmnopqrstuvwxyz012345' },
  { name: 'a short passphrase', text: 'hunter2' },
  { name: 'one space', text: ' ' },
  { name: 'a passphrase in many scripts', text: 'пароль 密碼 🔑 é' },
  { name: 'é as two characters', text: 'e\u0301' },
  { name: '44 bytes, 43 units: one é', text: `${'a'.repeat(41)}é=` },
  { name: '44 characters, 45 units: one emoji', text: `${'a'.repeat(42)}😀=` },
  { name: '43 characters, 44 units: one emoji', text: `${'a'.repeat(41)}😀=`, refused: true },
  { name: 'two padding characters: 31 bytes', text: replaced(42, '='), refused: true },
  { name: 'a space in the middle', text: replaced(20, ' '), refused: true },
  { name: 'padding in the middle', text: replaced(20, '='), refused: true },
  { name: 'an exclamation mark in the middle', text: replaced(20, '!'), refused: true },
  { name: 'an é among 44 units', text: replaced(20, 'é'), refused: true },
  { name: 'only padding', text: '='.repeat(44), refused: true },
  { name: 'empty', text: '', refused: true },
  { name: 'a wide character among 44 units', text: replaced(20, 'Ł'), refused: true, acceptedByNode: true },
  { name: 'only wide characters', text: `${'Ł'.repeat(43)}=`, refused: true, acceptedByNode: true },
];

const tokens = [
  '',
  'a',
  'EAAGm0PX4ZCpsBAKZB-_.~+/=',
  'sixteen bytes ok',
  'žluťoučký kůň 🦄 \u0000\n\t" \\ \u{10ffff}',
  '\ufeffstarts with a byte order mark',
  'ab:cd:ef',
  `${'ab'.repeat(16)}:${'cd'.repeat(16)}:${'ef'.repeat(16)}`,
  `${'AB'.repeat(16)}:${'CD'.repeat(16)}:`,
  '{"sess":"0123","auth_id":"42"}',
];
const longToken = 'long token '.repeat(400).slice(0, 4096);

let count = 0;
const ciphertext = (token, key) => ({ token, encrypted: encryptToken(token, key, hash(`iv ${count++}`).subarray(0, 16)) });

function accepted({ text }, extraTokens) {
  const key = encryptionKey(text);
  const fingerprint = createHmac('sha256', key).update('evergrant key fingerprint v1').digest('hex').slice(0, 16);
  const passphrase = text.length !== 44 || !text.endsWith('=');
  return { fingerprint, passphrase, ciphertexts: [...tokens, ...extraTokens].map((token) => ciphertext(token, key)) };
}

function isAcceptedByNode(text) {
  try {
    return Boolean(encryptionKey(text));
  } catch {
    return false;
  }
}

const vectors = keys.map((key, at) => {
  if (isAcceptedByNode(key.text) !== (!key.refused || Boolean(key.acceptedByNode))) throw new Error(`unexpected result for ${key.name}`);
  const { name, text } = key;
  return key.refused ? { name, text, refused: true } : { name, text, ...accepted(key, at === 0 ? [longToken] : []) };
});

process.stdout.write(`${JSON.stringify(vectors, null, 1)}\n`);
