/** Builds `dist/`: compiles each source file, and joins the style sheets into one. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const STYLES = 'src/styles/';

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
const sheets = [...readFileSync(`${STYLES}index.css`, 'utf8').matchAll(/@import '(.+)';/g)];
writeFileSync('dist/styles.css', sheets.map(([, name]) => readFileSync(STYLES + name, 'utf8')).join('\n'));
