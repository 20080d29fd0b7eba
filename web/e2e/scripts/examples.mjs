/**
 * Packs the library as for publication, builds a copy of each example from the tarball outside the
 * workspace, and connects an account in it. Downloads packages from the registry.
 *
 * Usage: `node scripts/examples.mjs [NAME…]`.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Environment } from '../lib/environment.mjs';
import { testApp, testProxy, testTokenRefresh } from '../lib/host-app.mjs';
import { freePort } from '../lib/program.mjs';

const EXAMPLES = new URL('../../examples/', import.meta.url);
/** How to serve each example once it is built, and its specific test. */
const APPS = {
  vite: { serve: ['vite', 'preview', '--strictPort', '--port'], test: testTokenRefresh },
  next: { serve: ['next', 'start', '--hostname', 'localhost', '--port'], test: testProxy },
};
/** Milliseconds. */
const TIMEOUTS = { npm: 10 * 60_000, serve: 60_000 };

/** Whether a file is part of the example, rather than installed or built. */
const isSource = (/** @type {string} */ path) => !/\/(?:node_modules|dist|\.next)(?:\/|$)/.test(path);
const run = promisify(execFile);

/**
 * Runs npm and returns its output.
 * @param {string} cwd @param {string[]} args @param {NodeJS.ProcessEnv} env
 */
async function npm(cwd, args, env = {}) {
  try {
    const options = { cwd, env: { ...process.env, ...env }, timeout: TIMEOUTS.npm };
    return (await run('npm', args, options)).stdout;
  } catch (thrown) {
    const { stdout, stderr } = /** @type {any} */ (thrown);
    throw new Error(`npm ${args.join(' ')}\n${stdout}${stderr}`, { cause: thrown });
  }
}

/**
 * Starts a server and waits until it responds at `url`; its output differs between versions.
 * Returns a function that stops it.
 * @param {string} cwd @param {string[]} command @param {string} url @param {NodeJS.ProcessEnv} env
 */
async function serve(cwd, [program = '', ...args], url, env) {
  const server = spawn(join(cwd, 'node_modules/.bin', program), args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const exited = once(server, 'exit');
  const kill = () => server.pid && server.exitCode === null && process.kill(-server.pid, 'SIGKILL');
  process.once('exit', kill);
  const failed = exited.then(() => Promise.reject(new Error(`${program} exited before it was ready`)));
  await Promise.race([waitForResponse(url), failed]);
  return async () => {
    process.off('exit', kill);
    kill();
    await exited;
  };
}

/** Waits until a server responds. @param {string} url */
async function waitForResponse(url) {
  const signal = AbortSignal.timeout(TIMEOUTS.serve);
  for (;;) {
    try {
      return await fetch(url, { signal });
    } catch (thrown) {
      if (signal.aborted) throw new Error(`no response from ${url}`, { cause: thrown });
      await setTimeout(100);
    }
  }
}

/**
 * Builds, serves and tests one example.
 * @param {keyof typeof APPS} name @param {string} folder of its copy
 */
async function testExample(name, folder) {
  const { serve: command, test } = APPS[name];
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const environment = new Environment({ EVERGRANT_ALLOWED_REDIRECTS: url }, url);
  try {
    await environment.open();
    const { url: evergrant, apiKey } = environment.program;
    const env = { VITE_EVERGRANT_URL: evergrant, EVERGRANT_URL: evergrant, EVERGRANT_KEY: apiKey };
    await npm(folder, ['run', 'build'], { ...env, EVERGRANT_KEY: '', NEXT_TELEMETRY_DISABLED: '1' });
    const stop = await serve(folder, [...command, String(port)], url, env);
    try {
      await test(environment, await testApp(environment));
      await environment.cleanUp();
    } finally {
      await stop();
    }
  } finally {
    await environment.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'evergrant-'));
try {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const pack = ['pack', '-w', 'react', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(await npm(root, pack));
  const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(EXAMPLES);
  for (const name of names) {
    const startedAt = performance.now();
    const copy = join(folder, name);
    cpSync(new URL(name, EXAMPLES), copy, { recursive: true, filter: isSource });
    await npm(copy, ['install', '--no-save', '--no-audit', '--no-fund', join(folder, packed.filename)]);
    await testExample(/** @type {keyof typeof APPS} */ (name), copy);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`${name}: built from ${packed.filename}, account connected (${seconds} s)`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
