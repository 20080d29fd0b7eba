import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';
import { backend } from './dev/backend.mjs';

const sources = (path: string) => fileURLToPath(new URL(`../react/src/${path}`, import.meta.url));

/**
 * The dev server uses the library's sources, so that changes to them reload. The build uses its
 * package exports.
 */
const SOURCE_ALIASES = [
  { find: /^@evergrant\/react\/styles\.css$/, replacement: sources('styles/index.css') },
  { find: /^@evergrant\/react\/locales\/(\w+)$/, replacement: sources('locales/$1.ts') },
  { find: /^@evergrant\/react\/(return|testing)$/, replacement: sources('$1/index.ts') },
  { find: /^@evergrant\/react$/, replacement: sources('index.ts') },
];

/**
 * Documents have absolute addresses, below which the server puts the path of its public URL. Scripts and style sheets
 * refer to each other by relative ones, so that they work below any path.
 */
const addressOf: NonNullable<UserConfig['experimental']>['renderBuiltUrl'] = (name, { hostType }) =>
  hostType === 'html' ? `/${name}` : { relative: true };

export default defineConfig(({ command }) => ({
  plugins: [react(), backend()],
  experimental: { renderBuiltUrl: addressOf },
  resolve: { alias: command === 'serve' ? SOURCE_ALIASES : [] },
  build: {
    // The oldest versions with the popovers, color-mix() and AbortSignal.any that the library uses.
    target: ['chrome125', 'firefox126', 'safari17.5'],
    // The Content Security Policy does not allow inlined assets.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['index.html', 'return.html'] },
  },
}));
