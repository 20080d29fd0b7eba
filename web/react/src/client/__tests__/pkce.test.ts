import { expect, test } from 'vitest';
import { challengeOf, createVerifier } from '../pkce.js';

test('the challenge matches RFC 7636, appendix B', async () => {
  const challenge = await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
  expect(challenge).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('a verifier is 256 random bits, base64url-encoded', () => {
  const many = Array.from({ length: 100 }, createVerifier);
  expect(new Set(many).size).toBe(100);
  for (const one of many) expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
