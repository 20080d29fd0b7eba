/**
 * Packs the library as it would be published and builds each example from the tarball, outside of the workspace, as
 * somebody who copies it would. `node scripts/examples.mjs [NAME…]`; reads the registry.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EXAMPLES = new URL('../examples/', import.meta.url);
/** Of the example's own; what was installed or built in it stays behind. */
const isSource = (/** @type {string} */ path) => !/\/(?:node_modules|dist|\.next)(?:\/|$)/.test(path);

const folder = mkdtempSync(join(tmpdir(), 'evergrant-'));
const npm = (/** @type {string} */ cwd, /** @type {string[]} */ ...args) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [packed] = JSON.parse(
    npm('.', 'pack', '-w', 'react', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(EXAMPLES);
  for (const name of names) {
    const copy = join(folder, name);
    cpSync(new URL(name, EXAMPLES), copy, { recursive: true, filter: isSource });
    npm(copy, 'install', '--no-save', '--no-audit', '--no-fund', join(folder, packed.filename));
    npm(copy, 'run', 'build');
    console.log(`${name}: builds from ${packed.filename}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
