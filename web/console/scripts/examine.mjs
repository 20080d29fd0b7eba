/** What is wrong with a page as it stands: axe's findings, and whether it scrolls sideways. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Only what is wrong is worked out to the end. */
const QUICK = { resultTypes: ['violations'], preload: false, iframes: false };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Lines of the browser's own: a request that is refused, a tab that stays since no page opened it. Neither is a fault. */
const BROWSERS_OWN = ['Failed to load resource', 'Scripts may close only'];

/** @typedef {import('playwright-core').Page} Page */

/** Animations that end are where they end. @param {Page} page */
export async function settle(page) {
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((one) => one.effect?.getTiming().iterations === 1);
    ending.forEach((one) => one.finish());
  });
}

/** `isPart` of a page: it need not have a first heading. @param {Page} page @returns {Promise<string[]>} */
export async function examine(page, isPart = false) {
  await settle(page);
  // A page's policy does not stop what a debugger evaluates.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const found = await page.evaluate(
    async ({ rules, quick, isPart }) => {
      const { axe } = /** @type {any} */ (window);
      const options = { ...quick, runOnly: rules, rules: { 'page-has-heading-one': { enabled: !isPart } } };
      const { violations } = await axe.run(document, options);
      return violations.flatMap((/** @type {any} */ { id, nodes }) =>
        nodes.map((/** @type {any} */ { html }) => `${id}: ${html}`),
      );
    },
    { rules: RULES, quick: QUICK, isPart },
  );
  return [...found, ...(await sideways(page))];
}

/** Whether a page, or what lies above it, is wider than its window. @param {Page} page @returns {Promise<string[]>} */
export async function sideways(page) {
  const isWider = await page.evaluate(() => {
    const above = [...document.querySelectorAll('dialog[open], :popover-open')];
    return (
      document.documentElement.scrollWidth > innerWidth ||
      above.some((one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth)
    );
  });
  return isWider ? ['scrolls sideways'] : [];
}

/**
 * Collects what pages of a browser profile say that they should not: errors, warnings, and reports of their policy.
 * @param {import('playwright-core').BrowserContext} profile
 */
export function listen(profile) {
  /** @type {string[]} */
  const said = [];
  profile.on('weberror', (thrown) => said.push(`${thrown.page()?.url()}: ${thrown.error().message}`));
  profile.on('console', (message) => {
    const isOwn = BROWSERS_OWN.some((start) => message.text().startsWith(start));
    if (isOwn || !['error', 'warning'].includes(message.type())) return;
    said.push(`${message.page()?.url()}: ${message.text()}`);
  });
  return said;
}
