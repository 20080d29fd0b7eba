/**
 * Audits a rendered page: accessibility findings of axe, horizontal overflow, and errors that it
 * logs.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Makes axe compute details of violations only. */
const QUICK = { resultTypes: ['violations'], preload: false, iframes: false };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * Console messages of the browser itself that are not faults: a request with an error status, and
 * `window.close()` in a tab that no script opened.
 */
const BROWSER_MESSAGES = ['Failed to load resource', 'Scripts may close only'];

/** @typedef {import('playwright-core').Page} Page */

/** Finishes all animations that run once. @param {Page} page */
export async function finishAnimations(page) {
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((one) => one.effect?.getTiming().iterations === 1);
    ending.forEach((one) => one.finish());
  });
}

/**
 * Returns the findings of axe and horizontal overflow. A page with `isFragment` need not have a
 * first heading.
 * @param {Page} page @returns {Promise<string[]>}
 */
export async function auditPage(page, isFragment = false) {
  await finishAnimations(page);
  // The page's CSP does not apply to what the debugger evaluates.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const findings = await page.evaluate(
    async ({ rules, quick, isFragment }) => {
      const { axe } = /** @type {any} */ (window);
      const enabled = { 'page-has-heading-one': { enabled: !isFragment } };
      const { violations } = await axe.run(document, { ...quick, runOnly: rules, rules: enabled });
      return violations.flatMap((/** @type {any} */ { id, nodes }) =>
        nodes.map((/** @type {any} */ { html }) => `${id}: ${html}`),
      );
    },
    { rules: RULES, quick: QUICK, isFragment },
  );
  return [...findings, ...(await horizontalOverflow(page))];
}

/**
 * Returns a finding if the page, or an open dialog or popover, is wider than its window.
 * @param {Page} page @returns {Promise<string[]>}
 */
export async function horizontalOverflow(page) {
  const overflows = await page.evaluate(() => {
    const overlays = [...document.querySelectorAll('dialog[open], :popover-open')];
    return (
      document.documentElement.scrollWidth > innerWidth ||
      overlays.some(
        (one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth,
      )
    );
  });
  return overflows ? ['scrolls horizontally'] : [];
}

/**
 * Returns a finding for each visible text that has the colour of its background while the user's system replaces the
 * colours of pages (`forced-colors: active`), light and dark. Restores the regular colours.
 * @param {Page} page @returns {Promise<string[]>}
 */
export async function forcedColorFaults(page) {
  const faults = [];
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ forcedColors: 'active', colorScheme });
    await finishAnimations(page);
    const invisible = await page.evaluate(invisibleTexts);
    faults.push(...invisible.map((text) => `forced colours, ${colorScheme}: invisible text: ${text}`));
  }
  await page.emulateMedia({ forcedColors: 'none', colorScheme: null });
  return faults;
}

/** Returns the elements whose own text has the colour of its background. Runs in the page. */
function invisibleTexts() {
  /** @param {Element | null} element @returns {string} */
  const background = (element) => {
    if (!element) return 'Canvas';
    const { backgroundColor } = getComputedStyle(element);
    return /^rgba\(.*, 0\)$|\/ 0\)$/.test(backgroundColor)
      ? background(element.parentElement)
      : backgroundColor;
  };
  /** @param {Element} element */
  const hasOwnText = (element) =>
    element.matches('input, textarea, select') ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
  const probe = document.body.appendChild(document.createElement('span'));
  probe.style.setProperty('forced-color-adjust', 'none');
  /** @param {string} color */
  const resolved = (color) => {
    probe.style.color = color;
    return getComputedStyle(probe).color;
  };
  const texts = [...document.body.querySelectorAll('*')].filter(
    (element) =>
      element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && hasOwnText(element),
  );
  const invisible = texts.filter(
    (element) => resolved(getComputedStyle(element).color) === resolved(background(element)),
  );
  probe.remove();
  return invisible.map((element) => element.outerHTML.slice(0, 120));
}

/**
 * Collects uncaught errors, console errors and warnings, and CSP violations of all pages in a
 * browser context. The returned array grows as they occur.
 * @param {import('playwright-core').BrowserContext} context
 */
export function collectErrors(context) {
  /** @type {string[]} */
  const errors = [];
  context.on('weberror', (thrown) => errors.push(`${thrown.page()?.url()}: ${thrown.error().message}`));
  context.on('console', (message) => {
    const isExpected = BROWSER_MESSAGES.some((start) => message.text().startsWith(start));
    if (isExpected || !['error', 'warning'].includes(message.type())) return;
    errors.push(`${message.page()?.url()}: ${message.text()}`);
  });
  return errors;
}
