/** dist/: the sources compiled one by one, and one style sheet. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const STYLES = ['tokens', 'controls', 'page', 'overlays'];

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
writeFileSync(
  'dist/styles.css',
  STYLES.map((name) => readFileSync(`src/styles/${name}.css`, 'utf8')).join('\n'),
);
