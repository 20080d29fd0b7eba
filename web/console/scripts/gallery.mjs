/**
 * Looks at all of the gallery, light and dark, at 1280 and 390 px: a picture of each in `shots/` with the way of the Tab
 * key beside it, and what axe, the console, that way and a sideways scroll (at 320 px too) say against it.
 * `node scripts/gallery.mjs [NAME…]`; `LOCALE=fr` or `LOCALE=pseudo` for another language.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import { examine, listen, settle, sideways } from './examine.mjs';
import { tabOrder } from './tab-order.mjs';

const FOLDER = 'shots';
const WIDTHS = [1280, 390];
/** Of the smallest phones, and of a page that is shown four times as large (WCAG 1.4.10). */
const NARROWEST = 320;
const SCHEMES = /** @type {const} */ (['light', 'dark']);
const { LOCALE: locale } = process.env;

/** @type {string[]} */
const faults = [];

/** @param {import('playwright-core').Page} page @param {string} url @param {string} name */
async function look(page, url, name) {
  await page.goto(`${url}?state=${name}${locale ? `&locale=${locale}` : ''}`);
  await page.waitForSelector('main');
  await page.waitForLoadState('networkidle');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 800 });
    for (const colorScheme of SCHEMES) {
      const what = `${name}-${width}-${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      await settle(page);
      await page.screenshot({ path: `${FOLDER}/${what}.png`, fullPage: true });
      const found = await examine(page, true);
      faults.push(...found.map((fault) => `${what}: ${fault}`));
    }
    const { stops, faults: met } = await tabOrder(page);
    writeFileSync(`${FOLDER}/${name}-${width}.tab.txt`, stops.map((stop) => `${stop}\n`).join(''));
    faults.push(...met.map((fault) => `${name}-${width}: ${fault}`));
  }
  await page.setViewportSize({ width: NARROWEST, height: 640 });
  faults.push(...(await sideways(page)).map((fault) => `${name}-${NARROWEST}: ${fault}`));
}

/** @param {import('playwright-core').Browser} browser @param {string} url @param {string[]} names */
async function worker(browser, url, names) {
  const profile = await browser.newContext();
  const said = listen(profile);
  const page = await profile.newPage();
  for (let name = names.shift(); name; name = names.shift()) await look(page, url, name);
  faults.push(...said);
}

mkdirSync(FOLDER, { recursive: true });
const server = await createServer({ server: { port: 0, hmr: false }, logLevel: 'error' });
await server.listen();
const url = `${server.resolvedUrls?.local[0]}gallery`;
const browser = await chromium.launch(CHROMIUM);
const page = await browser.newPage();
await page.goto(url);
await page.waitForSelector('.gallery li');
const all = await page.$$eval('.gallery li', (items) => items.map((item) => item.textContent ?? ''));
const names = process.argv.length > 2 ? process.argv.slice(2) : [...all];
const count = names.length;
await Promise.all([worker(browser, url, names), worker(browser, url, names)]);
await browser.close();
await server.close();
for (const fault of faults) console.error(fault);
console.log(`${count} of ${all.length} states looked at, ${faults.length} faults; pictures in ${FOLDER}/`);
process.exitCode = faults.length > 0 || count === 0 ? 1 : 0;
