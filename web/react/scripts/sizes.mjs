/**
 * Checks the size of each entry point, bundled, minified and compressed (gzip -9), without React.
 * `first` is what loads before anything is shown; `later` is what loads on demand.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const KB = 1024;
/** KB. */
const BUDGETS = [
  { name: '@evergrant/react/headless', entry: 'dist/headless.js', first: 5, later: 7 },
  { name: '@evergrant/react', entry: 'dist/index.js', first: 14, later: 15 },
  { name: '@evergrant/react/return', entry: 'dist/return/index.js', first: 5, later: 0 },
  { name: 'styles.css', entry: 'dist/styles.css', first: 4, later: 0 },
];

const size = (bytes) => gzipSync(bytes, { level: 9 }).length / KB;

async function measure({ entry }) {
  if (entry.endsWith('.css')) {
    const { outputFiles } = await build({ entryPoints: [entry], minify: true, write: false });
    return { first: size(outputFiles[0].contents), later: 0 };
  }
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'react/jsx-runtime', 'react-dom'],
    outdir: 'out',
    write: false,
    metafile: true,
  });
  const outputs = metafile.outputs;
  const start = Object.keys(outputs).find((path) => outputs[path].entryPoint === entry);
  const first = new Set();
  (function add(path) {
    if (first.has(path)) return;
    first.add(path);
    for (const { path: next, kind, external } of outputs[path].imports) {
      if (kind === 'import-statement' && !external) add(next);
    }
  })(start);
  const bytes = (selects) => {
    const chosen = outputFiles.filter(({ path }) => selects([...first].some((one) => path.endsWith(one))));
    return size(Buffer.concat(chosen.map(({ contents }) => Buffer.from(contents))));
  };
  return { first: bytes((isFirst) => isFirst), later: bytes((isFirst) => !isFirst) };
}

let isExceeded = false;
for (const budget of BUDGETS) {
  const { first, later } = await measure(budget);
  const line = (part, value) => {
    if (value > budget[part]) isExceeded = true;
    return `${part} ${value.toFixed(2)} of ${budget[part]} KB${value > budget[part] ? '  OVER BUDGET' : ''}`;
  };
  console.log(
    `${budget.name.padEnd(28)} ${line('first', first)}${budget.later ? `, ${line('later', later)}` : ''}`,
  );
}
const { dependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
console.log(`${'runtime dependencies'.padEnd(28)} ${Object.keys(dependencies).length} of 0`);
process.exitCode = isExceeded || Object.keys(dependencies).length > 0 ? 1 : 0;
