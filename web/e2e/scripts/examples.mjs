/**
 * Packs the library as it would be published, builds each example from the tarball, outside of the workspace, as
 * somebody who copies it would, and connects an account in it. `node scripts/examples.mjs [NAME…]`; reads the registry.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tryApp, tryProxy, tryTokens } from '../lib/host-app.mjs';
import { freePort } from '../lib/program.mjs';
import { Stage } from '../lib/stage.mjs';

const EXAMPLES = new URL('../../examples/', import.meta.url);
/** How each is served once it is built, and what it does in its own way. */
const KINDS = {
  vite: { serve: ['vite', 'preview', '--strictPort', '--port'], tryIt: tryTokens },
  next: { serve: ['next', 'start', '--hostname', 'localhost', '--port'], tryIt: tryProxy },
};
/** What takes longer than this, in milliseconds, hangs. */
const PATIENCE = { npm: 10 * 60_000, serve: 60_000 };

/** Of the example's own; what was installed or built in it stays behind. */
const isSource = (/** @type {string} */ path) => !/\/(?:node_modules|dist|\.next)(?:\/|$)/.test(path);
const run = promisify(execFile);

/** @param {string} cwd @param {string[]} args @param {NodeJS.ProcessEnv} env */
async function npm(cwd, args, env = {}) {
  try {
    const options = { cwd, env: { ...process.env, ...env }, timeout: PATIENCE.npm };
    return (await run('npm', args, options)).stdout;
  } catch (thrown) {
    const { stdout, stderr } = /** @type {any} */ (thrown);
    throw new Error(`npm ${args.join(' ')}\n${stdout}${stderr}`, { cause: thrown });
  }
}

/**
 * Until what it answers is called. Whether it serves is asked at its address: its words may be coloured, or other ones
 * in its next version.
 * @param {string} cwd @param {string[]} command @param {string} url @param {NodeJS.ProcessEnv} env
 */
async function serve(cwd, [program = '', ...args], url, env) {
  const server = spawn(join(cwd, 'node_modules/.bin', program), args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const ended = once(server, 'exit');
  const end = () => server.pid && server.exitCode === null && process.kill(-server.pid, 'SIGKILL');
  process.once('exit', end);
  const stopped = ended.then(() => Promise.reject(new Error(`${program} ended before it served`)));
  await Promise.race([answers(url), stopped]);
  return async () => {
    process.off('exit', end);
    end();
    await ended;
  };
}

/** Until a server is there. @param {string} url */
async function answers(url) {
  const signal = AbortSignal.timeout(PATIENCE.serve);
  for (;;) {
    try {
      return await fetch(url, { signal });
    } catch (thrown) {
      if (signal.aborted) throw new Error(`nothing answers at ${url}`, { cause: thrown });
      await setTimeout(100);
    }
  }
}

/** @param {keyof typeof KINDS} name @param {string} folder where its copy is */
async function tryExample(name, folder) {
  const { serve: command, tryIt } = KINDS[name];
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const stage = new Stage({ EVERGRANT_ALLOWED_REDIRECTS: url }, url);
  try {
    await stage.open();
    const { url: evergrant, apiKey } = stage.program;
    const env = { VITE_EVERGRANT_URL: evergrant, EVERGRANT_URL: evergrant, EVERGRANT_KEY: apiKey };
    await npm(folder, ['run', 'build'], { ...env, EVERGRANT_KEY: '', NEXT_TELEMETRY_DISABLED: '1' });
    const end = await serve(folder, [...command, String(port)], url, env);
    try {
      await tryIt(stage, await tryApp(stage));
      await stage.tidy();
    } finally {
      await end();
    }
  } finally {
    await stage.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'evergrant-'));
try {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const pack = ['pack', '-w', 'react', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(await npm(root, pack));
  const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(EXAMPLES);
  for (const name of names) {
    const began = performance.now();
    const copy = join(folder, name);
    cpSync(new URL(name, EXAMPLES), copy, { recursive: true, filter: isSource });
    await npm(copy, ['install', '--no-save', '--no-audit', '--no-fund', join(folder, packed.filename)]);
    await tryExample(/** @type {keyof typeof KINDS} */ (name), copy);
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(`${name}: built from ${packed.filename}, and an account connected in it (${seconds} s)`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
