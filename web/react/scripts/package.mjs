/** Packs the package as for publication, and checks the tarball with publint and attw. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'evergrant-'));
const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const [packed] = JSON.parse(run('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder));
  const tarball = join(folder, packed.filename);
  execFileSync('publint', ['--strict', tarball], { stdio: 'inherit' });
  execFileSync('attw', [tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'styles.css'], {
    stdio: 'inherit',
  });
  console.log(`${packed.files.length} files, ${(packed.size / 1024).toFixed(1)} KB packed`);
} finally {
  rmSync(folder, { recursive: true });
}
