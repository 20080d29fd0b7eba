import { readFileSync } from 'node:fs';
import { transform } from 'lightningcss';
import { expect, test } from 'vitest';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const css = [...read('index.css').matchAll(/@import '(.+)';/g)]
  .map(([, name = '']) => read(name))
  .join('\n')
  .replace(/\/\*[\s\S]*?\*\//g, '');

/** Returns the style sheet as Vite and Next.js transform it for their default browsers. */
function lowered(): string {
  const version = (major: number, minor = 0) => (major << 16) | (minor << 8);
  const targets = { chrome: version(111), firefox: version(111), safari: version(16, 4) };
  return transform({ filename: 'styles.css', code: Buffer.from(css), targets }).code.toString();
}

test('transformed by a build tool, no colour depends on a helper variable or language', () => {
  expect(lowered()).not.toMatch(/var\(--lightningcss|:lang\(/);
});

test('there are exactly ten public variables', () => {
  const declared = new Set([...css.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  const publicNames = [...declared].filter((name) => name?.startsWith('--eg-'));
  expect(publicNames).toHaveLength(10);
  for (const name of declared) expect(name).toMatch(/^--(?:eg-|_)/);
});

test('every rule is in the layer and has no specificity, so that host styles win', () => {
  const outside = css.replace(/@layer evergrant \{[\s\S]*?\n\}\n/g, '');
  expect(outside.trim()).toBe('');
  const selectors = [...css.matchAll(/^\s*([.:[*][^{;]*)\{/gm)].map(([, selector]) => selector?.trim() ?? '');
  expect(selectors.length).toBeGreaterThan(80);
  for (const selector of selectors) expect(selector).toMatch(/^:where\(.*\)(?:::[\w-]+)?$/s);
});

test('only logical properties are used', () => {
  expect(css).not.toMatch(
    /(?:margin|padding|border|inset)-(?:left|right|top|bottom)|text-align: (?:left|right)/,
  );
  expect(css).not.toMatch(/^\s*(?:left|right|width|height|max-width|min-height):/m);
});
