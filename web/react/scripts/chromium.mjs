/**
 * The Chromium for all tests and screenshots: the one that `EVERGRANT_CHROMIUM` names, or Debian's.
 */
import { existsSync } from 'node:fs';

const executablePath = process.env.EVERGRANT_CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  throw new Error(
    `Chromium not found at ${executablePath}: install it (Debian: apt-get install chromium), or set EVERGRANT_CHROMIUM to its path`,
  );
}

export const CHROMIUM = {
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};
