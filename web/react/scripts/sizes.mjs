/**
 * Checks the size of each entry point, bundled, minified and compressed (gzip -9), without React.
 * `first` is what loads before anything is shown; `later` is what loads on demand; `session` is what loads only to read a
 * pasted session. Exports that bundlers leave out of apps that do not use them can have a budget of their own.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const KB = 1024;
/** The exports of `headless` with the texts of errors. */
const TEXTS = ['errorText', 'enErrors'];
/** KB. */
const BUDGETS = [
  { name: '@evergrant/react/headless', entry: 'dist/headless.js', without: TEXTS, first: 5, later: 7 },
  { name: 'errorText of headless', entry: 'dist/headless.js', only: TEXTS, first: 2, later: 0 },
  { name: '@evergrant/react', entry: 'dist/index.js', first: 14, later: 14, session: 10 },
  { name: '@evergrant/react/return', entry: 'dist/return/index.js', first: 5, later: 0 },
  { name: 'styles.css', entry: 'dist/styles.css', first: 4, later: 0 },
];

/** Loads the chunks that count as `session`. */
const SESSION = 'dist/components/credentials/CredentialsForm.js';

const size = (bytes) => gzipSync(bytes, { level: 9 }).length / KB;

/** Returns the chunks that are reached from `start` over the imports that `follows` accepts. */
function reach(outputs, start, follows) {
  const found = new Set();
  (function add(path) {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind, external } of outputs[path].imports) {
      if (!external && follows(kind, outputs[next].entryPoint)) add(next);
    }
  })(start);
  return found;
}

const OPTIONS = {
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  external: ['react', 'react/jsx-runtime', 'react-dom'],
  outdir: 'out',
  write: false,
  metafile: true,
};

/** Returns a module with the exports of the entry point that a budget is for. */
async function moduleOf({ entry, only, without }) {
  const { metafile } = await build({ ...OPTIONS, entryPoints: [entry] });
  const { exports } = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === entry);
  const names = only ?? exports.filter((name) => !without?.includes(name));
  return `export { ${names.join(', ')} } from './${entry}';`;
}

async function measure(budget) {
  const { entry } = budget;
  if (entry.endsWith('.css')) {
    const { outputFiles } = await build({ entryPoints: [entry], minify: true, write: false });
    return { first: size(outputFiles[0].contents), later: 0, session: 0 };
  }
  const stdin = { contents: await moduleOf(budget), resolveDir: '.', sourcefile: 'measured.js' };
  const { outputFiles, metafile } = await build({ ...OPTIONS, stdin });
  const outputs = metafile.outputs;
  const start = Object.keys(outputs).find((path) => outputs[path].entryPoint === 'measured.js');
  const bytes = (paths) => {
    const chosen = outputFiles.filter(({ path }) => paths.some((one) => path.endsWith(one)));
    return size(Buffer.concat(chosen.map(({ contents }) => Buffer.from(contents))));
  };
  const first = reach(outputs, start, (kind) => kind === 'import-statement');
  const early = reach(outputs, start, (_, chunk) => chunk !== SESSION);
  return {
    first: bytes([...first]),
    later: bytes([...early].filter((path) => !first.has(path))),
    session: bytes(Object.keys(outputs).filter((path) => !early.has(path))),
  };
}

let isExceeded = false;
for (const budget of BUDGETS) {
  const { first, later, session } = await measure(budget);
  const line = (part, value) => {
    if (value > budget[part]) isExceeded = true;
    return `${part} ${value.toFixed(2)} of ${budget[part]} KB${value > budget[part] ? '  OVER BUDGET' : ''}`;
  };
  const parts = [line('first', first)];
  if (budget.later) parts.push(line('later', later));
  if (budget.session) parts.push(line('session', session));
  console.log(`${budget.name.padEnd(28)} ${parts.join(', ')}`);
}
const { dependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
console.log(`${'runtime dependencies'.padEnd(28)} ${Object.keys(dependencies).length} of 0`);
process.exitCode = isExceeded || Object.keys(dependencies).length > 0 ? 1 : 0;
