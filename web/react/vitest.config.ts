import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { CHROMIUM } from './scripts/chromium.mjs';

/** The oldest supported React. The browser tests run on it and on the newest. */
const REACT_18 = fileURLToPath(new URL('../compat/react-18/node_modules/', import.meta.url));
const alias18 = [
  { find: /^react-dom(\/.*)?$/, replacement: `${REACT_18}react-dom$1` },
  { find: /^react(\/.*)?$/, replacement: `${REACT_18}react$1` },
];

/** Ends a test that hangs. It is far longer than any test takes on a busy machine. */
const TEST_TIMEOUT_MS = 60_000;

/** Returns a test project that runs in Chromium. */
function inBrowser(
  name: string,
  alias: { find: RegExp; replacement: string }[] = [],
): TestProjectInlineConfiguration {
  return {
    plugins: [react()],
    resolve: { alias },
    define: { REACT: JSON.stringify(name.replace('react-', '')) },
    cacheDir: `node_modules/.vite-${name}`,
    optimizeDeps: {
      include: [
        'react',
        'react-dom',
        'react-dom/client',
        'react-dom/server',
        'react/jsx-runtime',
        'react/jsx-dev-runtime',
        '@testing-library/react',
        'axe-core',
      ],
    },
    test: {
      name,
      testTimeout: TEST_TIMEOUT_MS,
      include: ['src/**/__tests__/*.browser.test.{ts,tsx}'],
      setupFiles: ['src/components/__tests__/setup.ts'],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: CHROMIUM }),
        instances: [{ browser: 'chromium' }],
        viewport: { width: 1280, height: 800 },
      },
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'logic',
          testTimeout: TEST_TIMEOUT_MS,
          include: ['src/**/__tests__/*.test.{ts,tsx}'],
          exclude: ['src/**/__tests__/*.browser.test.{ts,tsx}'],
        },
      },
      inBrowser('react-19'),
      inBrowser('react-18', alias18),
    ],
  },
});
