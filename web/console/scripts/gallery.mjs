/**
 * Audits every state of the gallery, light and dark, at 1280 and 390 px: findings of axe, console
 * errors, Tab order, invisible text under forced colours, and horizontal overflow (at 320 px too). Writes a screenshot and the Tab order
 * of each state to `shots/`.
 *
 * Usage: `node scripts/gallery.mjs [NAME…]`. Set `LOCALE=fr` or `LOCALE=pseudo` for another
 * language.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { CHROMIUM } from '../../react/scripts/chromium.mjs';
import {
  auditPage,
  collectErrors,
  finishAnimations,
  forcedColorFaults,
  horizontalOverflow,
} from './audit.mjs';
import { tabOrder } from './tab-order.mjs';

const FOLDER = 'shots';
const WIDTHS = [1280, 390];
/** Width in px of the smallest phones, and of a 1280 px window at 400 % zoom (WCAG 1.4.10). */
const NARROWEST = 320;
const SCHEMES = /** @type {const} */ (['light', 'dark']);
const { LOCALE: locale } = process.env;

/** @type {string[]} */
const faults = [];

/** @param {import('playwright-core').Page} page @param {string} url @param {string} name */
async function auditState(page, url, name) {
  await page.goto(`${url}?state=${name}${locale ? `&locale=${locale}` : ''}`);
  await page.waitForSelector('main');
  await page.waitForLoadState('networkidle');
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 800 });
    for (const colorScheme of SCHEMES) {
      const id = `${name}-${width}-${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      await finishAnimations(page);
      await page.screenshot({ path: `${FOLDER}/${id}.png`, fullPage: true });
      const findings = await auditPage(page, true);
      faults.push(...findings.map((finding) => `${id}: ${finding}`));
    }
    faults.push(...(await forcedColorFaults(page)).map((finding) => `${name}-${width}: ${finding}`));
    const { stops, faults: tabFaults } = await tabOrder(page);
    writeFileSync(`${FOLDER}/${name}-${width}.tab.txt`, stops.map((stop) => `${stop}\n`).join(''));
    faults.push(...tabFaults.map((fault) => `${name}-${width}: ${fault}`));
  }
  await page.setViewportSize({ width: NARROWEST, height: 640 });
  faults.push(...(await horizontalOverflow(page)).map((finding) => `${name}-${NARROWEST}: ${finding}`));
}

/**
 * Audits states until `names` is empty.
 * @param {import('playwright-core').Browser} browser @param {string} url @param {string[]} names
 */
async function worker(browser, url, names) {
  const context = await browser.newContext();
  const errors = collectErrors(context);
  const page = await context.newPage();
  for (let name = names.shift(); name; name = names.shift()) await auditState(page, url, name);
  faults.push(...errors);
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
console.log(`${count} of ${all.length} states audited, ${faults.length} faults; screenshots in ${FOLDER}/`);
process.exitCode = faults.length > 0 || count === 0 ? 1 : 0;
