/** Writes a brotli file next to each file of `dist/`. The server embeds both. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const paths = readdirSync('dist', { encoding: 'utf8', recursive: true }).map((name) => `dist/${name}`);
for (const path of paths.filter((one) => statSync(one).isFile() && !one.endsWith('.br'))) {
  const content = readFileSync(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
}
