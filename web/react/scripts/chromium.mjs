/** The browser of all tests and pictures: Debian's, or the one that `EVERGRANT_CHROMIUM` names. */
export const CHROMIUM = {
  executablePath: process.env.EVERGRANT_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};
