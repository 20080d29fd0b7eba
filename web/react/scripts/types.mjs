/** Writes the types of the API from the committed OpenAPI document. `--check` only tells whether they are its. */
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../../docs/openapi.json', import.meta.url);
const FILE = new URL('../src/client/generated.ts', import.meta.url);
const HEAD = '/** Made by scripts/types.mjs from docs/openapi.json. Do not edit. */\n\n';

const text = HEAD + astToString(await openapiTS(DOCUMENT));
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error(
    'src/client/generated.ts is not what docs/openapi.json says: run npm run types:write -w react',
  );
  process.exitCode = 1;
}
