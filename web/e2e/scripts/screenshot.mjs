/**
 * Takes the screenshot of the Integrations page for the README, docs/images/console.png:
 * `npm run screenshot -w e2e`, with the server that `EVERGRANT_BIN` names.
 */
import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEMO, Environment } from '../lib/environment.mjs';

const FOLDER = new URL('../../../docs/images/', import.meta.url);
const FILE = fileURLToPath(new URL('console.png', FOLDER));
const MAX_BYTES = 200_000;
/** @typedef {{ provider: string, person: string, scopes?: string[] }} Account */

/** The accounts in the picture. With `scopes`, the user grants only these. @type {Account[]} */
const ACCOUNTS = [
  { provider: 'instagram', person: 'juniper' },
  { provider: 'tiktok', person: 'juniper', scopes: ['user.info.basic', 'user.info.profile', 'video.list'] },
  { provider: 'reddit', person: 'juniper' },
];

const env = new Environment({});

/** Connects an account as an app's server does, without a browser. @param {Account} account */
async function connect({ provider, ...consent }) {
  const { authUrl } = await env.api(`connect/${provider}`, { method: 'POST', body: {} });
  const { location } = await env.control('approve', { authUrl, ...consent });
  await fetch(location);
}

try {
  await env.open();
  for (const account of ACCOUNTS) await connect(account);
  const { page } = await env.visit(DEMO, { viewport: { width: 1280, height: 800 } });
  // Not `networkidle`: the event stream stays open.
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: FILE, animations: 'disabled' });
  const { size } = statSync(FILE);
  assert(size < MAX_BYTES, `${FILE} has ${size} bytes; the limit is ${MAX_BYTES}`);
} finally {
  await env.close();
}
