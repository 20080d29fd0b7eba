/** The commands in the repository's README, as a reader runs them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { testEnvironment } from '../lib/environment.mjs';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const env = testEnvironment();

/** Runs a command of the README after its alias, against the program of this test. @param {string} command */
async function run(command) {
  const [alias] = /^alias eg=.*$/m.exec(readme.replace(/^\$ /gm, '')) ?? [];
  assert(alias, 'the README defines the alias');
  const script = ['shopt -s expand_aliases', alias, command].join('\n');
  const here = script.replaceAll('http://localhost:8080', env.program.url);
  const options = { env: { ...process.env, KEY: env.program.apiKey } };
  const { stdout } = await promisify(execFile)('bash', ['-c', here], options);
  return JSON.parse(stdout);
}

test('the commands connect, read, refresh, list and disconnect an account', async () => {
  const [start = '', ...others] = [...readme.matchAll(/^\$ (eg .*)$/gm)].map(([, command = '']) => command);
  const { authUrl } = await run(start);
  const { location } = await env.control('approve', { authUrl, person: 'juniper' });
  await fetch(location, { redirect: 'manual' });
  const answers = [];
  for (const command of others) answers.push(await run(command));
  const [token, refreshed, status, disconnected] = answers;
  assert.equal(answers.length, 4);
  assert.equal(typeof token.accessToken, 'string');
  assert.equal(refreshed.success, true);
  assert.equal(status.integrations[0].status, 'connected');
  assert.equal(disconnected.revocation, 'revoked');
});
