/** Writes the brand marks as path data. `--check` only tells whether the file is what would be written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { siInstagram, siOnlyfans, siReddit, siTiktok } from 'simple-icons';

const FILE = new URL('../src/components/marks.ts', import.meta.url);
const marks = { instagram: siInstagram, tiktok: siTiktok, reddit: siReddit, onlyfans: siOnlyfans };
const lines = Object.entries(marks).map(([provider, { path }]) => `  ${provider}: '${path}',`);
const text = `/** Made by scripts/marks.mjs from simple-icons; 24 by 24. TRADEMARKS.md says whose marks these are. */
export const MARKS: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('src/components/marks.ts is not what simple-icons has: run npm run marks -w react');
  process.exitCode = 1;
}
