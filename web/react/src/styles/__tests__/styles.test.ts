import { readFileSync } from 'node:fs';
import { transform } from 'lightningcss';
import { expect, test } from 'vitest';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const css = [...read('index.css').matchAll(/@import '(.+)';/g)]
  .map(([, name = '']) => read(name))
  .join('\n')
  .replace(/\/\*[\s\S]*?\*\//g, '');

/** What Vite and Next.js make of it for the browsers that they usually build for. */
function lowered(): string {
  const version = (major: number, minor = 0) => (major << 16) | (minor << 8);
  const targets = { chrome: version(111), firefox: version(111), safari: version(16, 4) };
  return transform({ filename: 'styles.css', code: Buffer.from(css), targets }).code.toString();
}

test('lowered by a build tool, no colour depends on what the page may not declare', () => {
  expect(lowered()).not.toMatch(/var\(--lightningcss|:lang\(/);
});

test('ten variables, and no others that a host could set', () => {
  const declared = new Set([...css.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  const shared = [...declared].filter((name) => name?.startsWith('--eg-'));
  expect(shared).toHaveLength(10);
  for (const name of declared) expect(name).toMatch(/^--(?:eg-|_)/);
});

test('every rule gives way to the host’s: it lies in the layer and has no specificity', () => {
  const outside = css.replace(/@layer evergrant \{[\s\S]*?\n\}\n/g, '');
  expect(outside.trim()).toBe('');
  const selectors = [...css.matchAll(/^\s*([.:[*][^{;]*)\{/gm)].map(([, selector]) => selector?.trim() ?? '');
  expect(selectors.length).toBeGreaterThan(80);
  for (const selector of selectors) expect(selector).toMatch(/^:where\(.*\)(?:::[\w-]+)?$/s);
});

test('sides are those of the language, not of the screen', () => {
  expect(css).not.toMatch(
    /(?:margin|padding|border|inset)-(?:left|right|top|bottom)|text-align: (?:left|right)/,
  );
  expect(css).not.toMatch(/^\s*(?:left|right|width|height|max-width|min-height):/m);
});
