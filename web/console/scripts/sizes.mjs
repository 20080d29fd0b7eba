/**
 * What a browser loads, compressed (gzip -9), and what the program embeds (the brotli files). Fails where a budget is
 * passed, where a brotli file is missing or of something else, and where something of development is among it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { brotliDecompressSync, gzipSync } from 'node:zlib';

const KB = 1024;
const BUDGET = { script: 100, style: 8, chunk: 15, returned: 15, embedded: 250 };

const read = (/** @type {string} */ path) => readFileSync(`dist/${path}`);
const gzip = (/** @type {string} */ path) => gzipSync(read(path), { level: 9 }).length / KB;
const brotli = (/** @type {string} */ path) => read(`${path}.br`).length / KB;
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

const embedded = readdirSync('dist', { encoding: 'utf8', recursive: true }).filter(
  (path) => !path.endsWith('.br') && statSync(`dist/${path}`).isFile(),
);
const first = named('index.html', '.js');
const returned = named('return.html', '.js');
const later = embedded.filter((path) => path.endsWith('.js') && ![...first, ...returned].includes(path));
line('console, first script', sum(first), BUDGET.script);
line('console, first style', sum(named('index.html', '.css')), BUDGET.style);
line('return page, script', sum(returned), BUDGET.returned);
for (const path of later) line(path, gzip(path), BUDGET.chunk);
line('all that is embedded, brotli', sum(embedded, brotli), BUDGET.embedded);

const stale = embedded.filter((path) => !brotliDecompressSync(read(`${path}.br`)).equals(read(path)));
if (stale.length > 0) console.error(`the brotli file is of something else: ${stale.join(', ')}`);

const strays = embedded.filter(
  (path) => /gallery/i.test(path) || /createFakeClient|Every component/.test(read(path).toString()),
);
if (strays.length > 0) console.error(`what is for development alone is in ${strays.join(', ')}`);
process.exitCode = failed || stale.length + strays.length > 0 ? 1 : 0;
