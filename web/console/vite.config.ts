import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { backend } from './dev/backend.mjs';

const sources = (path: string) => fileURLToPath(new URL(`../react/src/${path}`, import.meta.url));

/** While one works on the console, the library is its sources; what is built takes it as a host app does. */
const SOURCES = [
  { find: /^@evergrant\/react\/styles\.css$/, replacement: sources('styles/index.css') },
  { find: /^@evergrant\/react\/locales\/(\w+)$/, replacement: sources('locales/$1.ts') },
  { find: /^@evergrant\/react\/(return|testing)$/, replacement: sources('$1/index.ts') },
  { find: /^@evergrant\/react$/, replacement: sources('index.ts') },
];

export default defineConfig(({ command }) => ({
  plugins: [react(), backend()],
  resolve: { alias: command === 'serve' ? SOURCES : [] },
  build: {
    // What has the popovers, color-mix() and AbortSignal.any that the library uses.
    target: ['chrome125', 'firefox126', 'safari17.5'],
    // The Content Security Policy has no room for what is written into a document.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['index.html', 'return.html'] },
  },
}));
