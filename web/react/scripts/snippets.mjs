/**
 * Checks the snippets in README.md: all TypeScript compiles against the built package, and the snippets that take an API
 * key run with a right one, a wrong one and none. Needs the build.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Below the package, so that imports resolve as in an app. */
const FOLDER = join(ROOT, 'node_modules/.snippets');
const RIGHT_KEY = 'evg_right';
const KEYS = [RIGHT_KEY, 'evg_wrong', ''];
/** How long a development server may take to start, in milliseconds. */
const START_MS = 60_000;

/** Returns the TypeScript snippets with the path in their first line, or else a generated one. */
function snippets() {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const fences = [...readme.matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)];
  return fences.map(([, language, text = ''], index) => {
    const [, path = `snippet-${index}.${language}`] =
      /^\/\/ (\S+\.tsx?)$/m.exec(text.split('\n')[0] ?? '') ?? [];
    return { path, text };
  });
}

function write(path, text) {
  mkdirSync(dirname(join(FOLDER, path)), { recursive: true });
  writeFileSync(join(FOLDER, path), text);
}

function compile(paths) {
  const program = ts.createProgram(
    paths.map((path) => join(FOLDER, path)),
    {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      jsx: ts.JsxEmit.ReactJSX,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node', 'vite/client'],
    },
  );
  const faults = ts.getPreEmitDiagnostics(program);
  const host = {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => FOLDER,
    getNewLine: () => '\n',
  };
  assert.equal(faults.length, 0, ts.formatDiagnostics(faults, host));
}

/** Starts a server that issues sessions for the right key only, and answers other requests of a session. */
async function startEvergrant() {
  const server = createServer((request, response) => {
    const isRight = request.headers.authorization === `Bearer ${RIGHT_KEY}`;
    const isSession = request.headers.authorization === 'Bearer evs_1' || isRight;
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    const answer = request.url === '/api/sessions' ? { token: 'evs_1', expiresAt } : { version: 1, integrations: [], providers: [] }; // prettier-ignore
    const isAllowed = request.url === '/api/sessions' ? isRight : isSession;
    response.writeHead(isAllowed ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isAllowed ? answer : { code: 'UNAUTHENTICATED', status: 401 }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

async function freePort() {
  const server = createSocket().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** The development server answers the token route, and survives a wrong key. */
async function testVite(url, key) {
  const port = await freePort();
  const vite = fileURLToPath(new URL('bin/vite.js', import.meta.resolve('vite/package.json')));
  const server = spawn(process.execPath, [vite, '--host', '127.0.0.1', '--port', `${port}`, '--strictPort'], {
    cwd: FOLDER,
    env: { ...process.env, EVERGRANT_URL: url, EVERGRANT_KEY: key },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  server.stderr.on('data', (part) => (output += part));
  const exited = once(server, 'exit');
  try {
    const page = `http://127.0.0.1:${port}/`;
    const isUp = async () => (await fetch(page).catch(() => null))?.ok;
    for (const end = Date.now() + START_MS; !(await isUp());) {
      assert(server.exitCode === null && Date.now() < end, `vite does not respond: ${output}`);
      await setTimeout(100);
    }
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await fetch(`${page}evergrant-token`);
      const text = await response.text();
      if (key === RIGHT_KEY) assert.equal(text, 'evs_1');
      else assert.equal(response.status, 500, `the token route with the key ${key || '(none)'}`);
    }
    assert.equal((await fetch(page)).status, 200, 'the server goes on after a failed request');
  } finally {
    server.kill();
    await exited;
  }
}

/** Imports a snippet as compiled JavaScript. The query makes it a new module for each key. */
async function load(path, text, key) {
  const { code } = await transform(text.replace(/^import '.*\.css';$/m, ''), {
    loader: 'tsx',
    jsx: 'automatic',
  });
  const file = path.replace(/\.tsx?$/, '.mjs');
  write(file, code);
  return import(`${pathToFileURL(join(FOLDER, file)).href}?key=${key}`);
}

/** The proxy answers a wrong key with a problem document, and the server component throws it. */
async function testNext(url, key, found) {
  Object.assign(process.env, { EVERGRANT_URL: url, EVERGRANT_KEY: key });
  const [route, page] = ['app/api/integrations/[...path]/route.ts', 'app/settings/integrations/page.tsx'].map(
    (path) => found.find((one) => one.path === path),
  );
  const { GET } = await load(route.path, route.text, key);
  const response = await GET(new Request('http://localhost:3000/api/integrations/status'));
  assert.equal(response.status, key === RIGHT_KEY ? 200 : 500, `the proxy with the key ${key || '(none)'}`);
  const { default: Page } = await load(page.path, page.text, key);
  if (key === RIGHT_KEY) await Page();
  else await assert.rejects(Page(), { code: 'UNAUTHENTICATED' });
}

rmSync(FOLDER, { recursive: true, force: true });
const found = snippets();
for (const { path, text } of found) write(path, text);
write('src/main.tsx', "import App from './App';\nexport default App;\n");
write('index.html', '<!doctype html><title>App</title><script type="module" src="/src/main.tsx"></script>');
compile(found.map(({ path }) => path));
const evergrant = await startEvergrant();
for (const key of KEYS) {
  await testVite(evergrant.url, key);
  await testNext(evergrant.url, key, found);
}
evergrant.stop();
rmSync(FOLDER, { recursive: true });
console.log(`${found.length} snippets compiled; those with a key run with ${KEYS.length} keys`);
