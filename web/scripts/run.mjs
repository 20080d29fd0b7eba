/**
 * Runs scripts of the workspace, two at a time, each after the scripts it depends on. Prints how
 * long each step took. If a step fails, prints its output and stops the others.
 *
 * Usage: `node scripts/run.mjs check | test`.
 */
import { spawn } from 'node:child_process';

/** Each step, `workspace:script`, with the steps it depends on. Slow steps come first. */
const DEPENDENCIES = {
  'react:build': [],
  'react:test': [],
  'console:build': ['react:build'],
  'console:test:built': ['console:build'],
  'console:gallery:shots': [],
  'console:test:pages': ['react:build'],
  'react:types': [],
  'react:tsdoc': [],
  'react:package': ['react:build'],
  'react:snippets': ['react:build'],
  'react:sizes': ['react:build'],
  'console:types': ['react:build'],
  'console:sizes': ['console:build'],
  'e2e:types': ['react:build'],
  lint: [],
};
const NAMES = /** @type {(keyof typeof DEPENDENCIES)[]} */ (Object.keys(DEPENDENCIES));
const SETS = {
  check: NAMES.filter((name) => !/test|gallery/.test(name)),
  test: NAMES,
};
const CONCURRENCY = 2;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Runs one step to its end and returns its output and result. @param {string} name */
async function run(name) {
  const startedAt = performance.now();
  const [, workspace, script = name] = /^(\w+):(.+)$/.exec(name) ?? [];
  const args = ['run', '--silent', script, ...(workspace ? ['-w', workspace] : [])];
  const step = spawn('npm', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(step);
  let output = '';
  for (const stream of [step.stdout, step.stderr]) stream.on('data', (part) => (output += part));
  const code = await new Promise((resolve) => step.once('close', resolve));
  running.delete(step);
  return { name, output, succeeded: code === 0, seconds: (performance.now() - startedAt) / 1000 };
}

/** Stops all running steps, with their child processes. */
function stopAll() {
  for (const { pid } of running) if (pid) process.kill(-pid, 'SIGTERM');
}

/** Runs all steps. Returns false after the first failure. @param {string[]} names */
async function runAll(names) {
  const pending = [...names];
  const done = new Set();
  /** @type {Map<string, ReturnType<typeof run>>} */
  const steps = new Map();
  while (pending.length + steps.size > 0) {
    const isReady = (/** @type {string} */ name) =>
      DEPENDENCIES[/** @type {keyof typeof DEPENDENCIES} */ (name)].every((dependency) =>
        done.has(dependency),
      );
    for (let next; steps.size < CONCURRENCY && (next = pending.find(isReady));) {
      pending.splice(pending.indexOf(next), 1);
      steps.set(next, run(next));
    }
    const { name, output, succeeded, seconds } = await Promise.race(steps.values());
    steps.delete(name);
    done.add(name);
    if (!succeeded) {
      console.error(`${output}\n${name} failed`);
      return false;
    }
    console.log(`${name.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  return true;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
process.once('exit', stopAll);
const startedAt = performance.now();
const [, , set = ''] = process.argv;
if (!(set in SETS)) throw new Error(`expected one of: ${Object.keys(SETS).join(', ')}`);
const succeeded = await runAll(SETS[/** @type {keyof typeof SETS} */ (set)]);
if (!succeeded) process.exit(1);
console.log(
  `${'all steps passed'.padEnd(24)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`,
);
