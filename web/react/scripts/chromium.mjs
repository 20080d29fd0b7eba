/** The browser of all tests and pictures: Debian's, or the one that `EVERGRANT_CHROMIUM` names. */
import { existsSync } from 'node:fs';

const executablePath = process.env.EVERGRANT_CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  throw new Error(
    `There is no Chromium at ${executablePath}: install it (Debian: apt-get install chromium), or name it in EVERGRANT_CHROMIUM`,
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
