/**
 * Checks the size of what a browser loads (gzip -9) and of what the server embeds (the brotli
 * files). Fails if a budget is exceeded, if a brotli file is missing or does not match its source,
 * or if `dist/` contains development code.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { brotliDecompressSync, gzipSync } from 'node:zlib';

const KB = 1024;
/** KB. */
const BUDGET = { script: 100, style: 8, chunk: 15, returned: 15, embedded: 250 };

const read = (/** @type {string} */ path) => readFileSync(`dist/${path}`);
const gzip = (/** @type {string} */ path) => gzipSync(read(path), { level: 9 }).length / KB;
const brotli = (/** @type {string} */ path) => read(`${path}.br`).length / KB;
const sum = (/** @type {string[]} */ paths, of = gzip) => paths.reduce((total, path) => total + of(path), 0);

/**
 * Returns the assets that a document references, and so loads at once.
 * @param {string} document @param {string} extension
 */
function assetsOf(document, extension) {
  const links = read(document)
    .toString()
    .matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g);
  const found = [...links].flatMap(([, path = '']) => (path.endsWith(extension) ? [path] : []));
  if (found.length === 0) throw new Error(`${document} references no ${extension} file`);
  return found;
}

let failed = false;
/**
 * Prints a size beside its budget, both in KB.
 * @param {string} name @param {number} value @param {number} budget
 */
function report(name, value, budget) {
  const over = value > budget;
  failed ||= over;
  console.log(
    `${name.padEnd(34)} ${value.toFixed(1).padStart(6)} of ${budget} KB${over ? '  OVER BUDGET' : ''}`,
  );
}

const embedded = readdirSync('dist', { encoding: 'utf8', recursive: true }).filter(
  (path) => !path.endsWith('.br') && statSync(`dist/${path}`).isFile(),
);
const first = assetsOf('index.html', '.js');
const returned = assetsOf('return.html', '.js');
const later = embedded.filter((path) => path.endsWith('.js') && ![...first, ...returned].includes(path));
report('console, first script', sum(first), BUDGET.script);
report('console, first style', sum(assetsOf('index.html', '.css')), BUDGET.style);
report('return page, script', sum(returned), BUDGET.returned);
for (const path of later) report(path, gzip(path), BUDGET.chunk);
report('embedded files, brotli', sum(embedded, brotli), BUDGET.embedded);

const stale = embedded.filter((path) => !brotliDecompressSync(read(`${path}.br`)).equals(read(path)));
if (stale.length > 0) console.error(`brotli files that do not match their source: ${stale.join(', ')}`);

const strays = embedded.filter(
  (path) => /gallery/i.test(path) || /createFakeClient|Every component/.test(read(path).toString()),
);
if (strays.length > 0) console.error(`development code in the build: ${strays.join(', ')}`);
process.exitCode = failed || stale.length + strays.length > 0 ? 1 : 0;
