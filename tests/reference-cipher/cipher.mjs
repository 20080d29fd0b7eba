// Reference implementation of the token encryption in Node.js, for interoperability tests of `evergrant-encryption`.
//
// Library: encryptionKey(text), encryptToken(token, key), decryptToken(text, key).
// Program: TOKEN_ENCRYPTION_KEY=… node cipher.mjs encrypt|decrypt
//   reads one JSON string per line and writes one per line; `null` if a text does not decrypt.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 16;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Returns the key of `text`: base64 of 32 bytes if it has that form, otherwise the hash of a passphrase. */
export function encryptionKey(text) {
  if (!text) throw new Error('TOKEN_ENCRYPTION_KEY is not set');
  if (text.length !== 44 || !text.endsWith('=')) return createHash('sha256').update(text).digest();
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES) throw new Error(`the key must have ${KEY_BYTES} bytes`);
  return key;
}

/** Returns `iv:authTag:encrypted`, each part in hexadecimal digits. */
export function encryptToken(token, key, iv = randomBytes(IV_BYTES)) {
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  const encrypted = cipher.update(token, 'utf8', 'hex') + cipher.final('hex');
  return [iv.toString('hex'), cipher.getAuthTag().toString('hex'), encrypted].join(':');
}

/** Returns the token in `text`. Throws if it does not decrypt. */
export function decryptToken(text, key) {
  const parts = text.split(':');
  if (parts.length !== 3) throw new Error('not an encrypted token');
  const [iv, tag, encrypted] = parts.map((part) => Buffer.from(part, 'hex'));
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
}

function decryptOrNull(text, key) {
  try {
    return decryptToken(text, key);
  } catch {
    return null;
  }
}

async function main(action) {
  const work = { encrypt: encryptToken, decrypt: decryptOrNull }[action];
  if (!work) throw new Error('usage: node cipher.mjs encrypt|decrypt');
  const key = encryptionKey(process.env.TOKEN_ENCRYPTION_KEY);
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(work(JSON.parse(line), key))}\n`);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv[2]);
}
