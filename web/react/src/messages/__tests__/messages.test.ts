import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ErrorCode } from '../../client/error.js';
import { fr } from '../../locales/fr.js';
import { pseudo } from '../../locales/pseudo.js';
import { en } from '../en.js';
import { errorText } from '../error-text.js';
import { createFormat } from '../format.js';
import type { Messages } from '../types.js';

const languages = { en, fr, pseudo };

/** Returns each message as text by its path, with placeholder arguments. */
function texts(value: unknown, path = ''): Record<string, string> {
  if (typeof value === 'string') return { [path]: value };
  if (typeof value === 'function') return texts(value('Xx', 'Yy', 'Zz'), path);
  const entries = Object.entries(value as object).map(([key, one]) => texts(one, `${path}.${key}`));
  return Object.assign({}, ...entries) as Record<string, string>;
}

test.each(Object.entries(languages))('%s has every message of English', (_, messages) => {
  expect(Object.keys(texts(messages)).sort()).toEqual(Object.keys(texts(en)).sort());
  for (const [path, text] of Object.entries(texts(messages))) expect(text.trim(), path).not.toBe('');
});

test('every French message is translated and uses the arguments of the English one', () => {
  const [french, english] = [texts(fr), texts(en)];
  const same = Object.keys(french).filter((path) => french[path] === english[path]);
  expect(same).toEqual(['.dir']);
  for (const [path, text] of Object.entries(english)) {
    for (const name of ['Xx', 'Yy']) expect(french[path]?.includes(name), path).toBe(text.includes(name));
  }
});

test('the pseudo-locale marks every message', () => {
  for (const [path, text] of Object.entries(texts(pseudo))) {
    if (path !== '.dir' && path !== '.locale') expect(text, path).toMatch(/^⟦.*⟧$/s);
  }
});

const documented = readFileSync(new URL('../../../../../docs/errors.md', import.meta.url), 'utf8');
const codes = [...documented.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code as ErrorCode);

const textOf = (code: ErrorCode) => errorText({ code }, { provider: 'Reddit' });

test('every error code of the server has its own message', () => {
  expect(codes.length).toBeGreaterThan(30);
  const internalError = textOf('INTERNAL_ERROR');
  const internalCodes = new Set<string>(['INTERNAL_ERROR', 'ENCRYPTION_ERROR', 'DECRYPTION_ERROR']);
  for (const code of codes) expect(textOf(code) === internalError, code).toBe(internalCodes.has(code));
});

test('an unknown error code has the message of an internal error', () => {
  for (const code of ['BRAND_NEW', 'constructor', '__proto__', 'toString'])
    expect(textOf(code as ErrorCode)).toBe(en.errors.internal);
});

test('a failure of the platform names it and does not blame the user or the connection', () => {
  const failures = ['NETWORK_ERROR', 'TIMEOUT_ERROR', 'PROVIDER_UNAVAILABLE', 'RATE_LIMIT_ERROR'] as const;
  for (const code of failures) {
    expect(textOf(code), code).toMatch(/Reddit.*Try again in a few minutes\.$/);
    expect(textOf(code), code).not.toMatch(/[Cc]heck your|[Tt]oo often|attempts/);
  }
  expect(textOf('BROWSER_OFFLINE')).toMatch(/Check your internet connection/);
});

test('a wrong account is named, with the account to reconnect, in the chosen language', () => {
  const accounts = [{ providerAccountId: 'r2', username: 'wren', displayName: 'Wren' }];
  const mismatch = { code: 'ACCOUNT_MISMATCH', accounts } as const;
  const options = { provider: 'Reddit', account: '@juniper' };
  expect(errorText(mismatch, options)).toMatch(/as @wren, but this reconnects @juniper\./);
  expect(errorText(mismatch, { ...options, errors: fr.errors })).toMatch(/en tant que @wren/);
  expect(errorText({ code: 'ACCOUNT_MISMATCH' }, options)).toBe(en.errors.mismatch('Reddit'));
});

test('times are relative, or a date while the current time is unknown', () => {
  const now = Date.parse('2030-01-01T12:00:00Z');
  const { when } = createFormat('en');
  expect(when('2030-01-01T10:00:00Z', now)).toBe('2 hours ago');
  expect(when('2030-01-04T12:00:00Z', now)).toBe('in 3 days');
  expect(when('2030-01-01T12:00:10Z', now)).toBe('this minute');
  expect(when('2030-01-01T10:00:00Z', null)).toBe('Jan 1, 2030');
  expect(createFormat('fr').when('2030-01-01T10:00:00Z', now)).toBe('il y a 2 heures');
});

test('messages with a count use the plural of the language', () => {
  const count = (messages: Messages, number: number) => messages.choose.confirm(number);
  expect([1, 2].map((number) => count(en, number))).toEqual(['Connect 1 account', 'Connect 2 accounts']);
  expect([1, 2].map((number) => count(fr, number))).toEqual(['Connecter 1 compte', 'Connecter 2 comptes']);
  expect([en, fr].map((messages) => count(messages, 0))).toEqual(['Connect', 'Connecter']);
});
