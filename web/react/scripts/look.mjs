/**
 * Takes pictures of the gallery: `node scripts/look.mjs FOLDER [STATE…]`, at 1280 and 390 px, light and dark.
 * `LOCALE=fr` or `LOCALE=pseudo` for another language.
 */
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright';
import { createServer } from 'vite';
import { CHROMIUM } from './chromium.mjs';

const [folder = 'pictures', ...wanted] = process.argv.slice(2);
const locale = process.env.LOCALE ?? '';
mkdirSync(folder, { recursive: true });
const server = await createServer({ server: { port: 0 }, logLevel: 'error' });
await server.listen();
const { port } = server.httpServer.address();
const browser = await chromium.launch(CHROMIUM);
const page = await browser.newPage();
page.on('console', (message) => message.type() === 'error' && console.error(message.text()));
page.on('pageerror', (error) => console.error(error.message));
const url = `http://localhost:${port}/`;
await page.goto(url);
await page.waitForSelector('li a');
const names =
  wanted.length > 0 ? wanted : await page.$$eval('li a', (links) => links.map((link) => link.textContent));
for (const name of names) {
  for (const width of [1280, 390]) {
    for (const scheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 800 });
      await page.goto(`${url}?state=${name}&scheme=${scheme}&locale=${locale}`);
      await page.waitForSelector('main > *');
      await page.waitForLoadState('networkidle');
      if (process.env.MENU) await page.click('.eg-more');
      await page.evaluate(() =>
        Promise.all(
          document
            .getAnimations()
            .filter((one) => one.effect.getTiming().iterations === 1)
            .map((one) => one.finished.catch(() => {})),
        ),
      );
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (overflow) console.error(`${name} at ${width}: scrolls sideways`);
      await page.screenshot({ path: `${folder}/${name}-${width}-${scheme}.png` });
    }
  }
}
await browser.close();
await server.close();
