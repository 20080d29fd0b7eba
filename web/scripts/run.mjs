/**
 * Runs scripts of the workspace, two at a time and each after what it needs. One that goes well says how long it took;
 * one that fails says all that it had to say, and ends the others. `node scripts/run.mjs check | test`.
 */
import { spawn } from 'node:child_process';

/** Which script of which workspace comes after which others; the slow ones begin early. */
const NEEDS = {
  'react:build': [],
  'react:test': [],
  'console:build': ['react:build'],
  'console:test:built': ['console:build'],
  'console:gallery:shots': [],
  'console:test:pages': ['react:build'],
  'react:types': [],
  'react:package': ['react:build'],
  'react:sizes': ['react:build'],
  'console:types': ['react:build'],
  'console:sizes': ['console:build'],
  'e2e:types': ['react:build'],
  lint: [],
};
const NAMES = /** @type {(keyof typeof NEEDS)[]} */ (Object.keys(NEEDS));
const SETS = {
  check: NAMES.filter((name) => !/test|gallery/.test(name)),
  test: NAMES,
};
const AT_ONCE = 2;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** The name of a step that has ended, what it said, and whether all is well. @param {string} name */
async function run(name) {
  const began = performance.now();
  const [, workspace, script = name] = /^(\w+):(.+)$/.exec(name) ?? [];
  const args = ['run', '--silent', script, ...(workspace ? ['-w', workspace] : [])];
  const step = spawn('npm', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(step);
  let said = '';
  for (const stream of [step.stdout, step.stderr]) stream.on('data', (part) => (said += part));
  const code = await new Promise((resolve) => step.once('close', resolve));
  running.delete(step);
  return { name, said, isWell: code === 0, seconds: (performance.now() - began) / 1000 };
}

function endAll() {
  for (const { pid } of running) if (pid) process.kill(-pid, 'SIGTERM');
}

/** @param {string[]} names */
async function runAll(names) {
  const waiting = [...names];
  const done = new Set();
  /** @type {Map<string, ReturnType<typeof run>>} */
  const steps = new Map();
  while (waiting.length + steps.size > 0) {
    const isReady = (/** @type {string} */ name) =>
      NEEDS[/** @type {keyof typeof NEEDS} */ (name)].every((needed) => done.has(needed));
    for (let next; steps.size < AT_ONCE && (next = waiting.find(isReady));) {
      waiting.splice(waiting.indexOf(next), 1);
      steps.set(next, run(next));
    }
    const { name, said, isWell, seconds } = await Promise.race(steps.values());
    steps.delete(name);
    done.add(name);
    if (!isWell) {
      console.error(`${said}\n${name} has failed`);
      return false;
    }
    console.log(`${name.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  return true;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
process.once('exit', endAll);
const began = performance.now();
const [, , set = ''] = process.argv;
if (!(set in SETS)) throw new Error(`one of ${Object.keys(SETS).join(', ')}`);
const isWell = await runAll(SETS[/** @type {keyof typeof SETS} */ (set)]);
if (!isWell) process.exit(1);
console.log(`${'all is well'.padEnd(24)} ${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`);
