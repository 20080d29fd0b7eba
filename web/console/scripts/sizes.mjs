/**
 * What a browser loads, compressed (gzip -9), and what the program embeds (brotli). Fails where a budget is passed, and
 * where something of development is among it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const KB = 1024;
const BUDGET = { script: 100, style: 8, chunk: 15, returned: 15, embedded: 250 };

const read = (/** @type {string} */ path) => readFileSync(`dist/${path}`);
const gzip = (/** @type {string} */ path) => gzipSync(read(path), { level: 9 }).length / KB;
const brotli = (/** @type {string} */ path) => brotliCompressSync(read(path)).length / KB;
const sum = (/** @type {string[]} */ paths, of = gzip) => paths.reduce((total, path) => total + of(path), 0);

/** What a document names, and so loads at once. @param {string} document @param {string} extension */
function named(document, extension) {
  const links = read(document)
    .toString()
    .matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g);
  return [...links].flatMap(([, path = '']) => (path.endsWith(extension) ? [path] : []));
}

let failed = false;
/** @param {string} name @param {number} value @param {number} most */
function line(name, value, most) {
  const over = value > most;
  failed ||= over;
  console.log(`${name.padEnd(34)} ${value.toFixed(1).padStart(6)} of ${most} KB${over ? '  TOO MUCH' : ''}`);
}

const assets = readdirSync('dist/assets').map((name) => `assets/${name}`);
const first = named('index.html', '.js');
const returned = named('return.html', '.js');
const later = assets.filter((path) => path.endsWith('.js') && ![...first, ...returned].includes(path));
line('console, first script', sum(first), BUDGET.script);
line('console, first style', sum(named('index.html', '.css')), BUDGET.style);
line('return page, script', sum(returned), BUDGET.returned);
for (const path of later) line(path, gzip(path), BUDGET.chunk);
line('all that is embedded, brotli', sum([...assets, 'index.html', 'return.html'], brotli), BUDGET.embedded);

const strays = assets.filter(
  (path) => /gallery/i.test(path) || /createFakeClient|Every component/.test(read(path).toString()),
);
if (strays.length > 0) console.error(`what is for development alone is in ${strays.join(', ')}`);
process.exitCode = failed || strays.length > 0 ? 1 : 0;
