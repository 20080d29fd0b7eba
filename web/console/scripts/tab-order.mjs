/** Records the Tab order of a page and checks it. */

/** More Tab stops than any page of the console has. */
const MAX_STOPS = 100;

/** @typedef {{ label: string, isVisible: boolean, isForward: boolean }} Stop */

/**
 * Presses Tab from the start of the page until focus would leave it. Returns the stops, each as
 * role and name, and the faults: a stop that is covered or off screen while focused, a stop that
 * goes back in document order, and an order that does not end.
 * @param {import('playwright-core').Page} page
 */
export async function tabOrder(page) {
  await page.evaluate(() => {
    // Tab continues from the last focused element: reset it to the start.
    const start = document.querySelector('dialog:modal') ?? document.body;
    if (!(start instanceof HTMLElement)) return;
    start.tabIndex = -1;
    start.focus();
    start.blur();
    start.removeAttribute('tabindex');
  });
  /** @type {Stop[]} */
  const stops = [];
  for (let next = await step(page); next; next = await step(page)) {
    stops.push(next);
    if (stops.length > MAX_STOPS) return { stops: [], faults: [`more than ${MAX_STOPS} Tab stops`] };
  }
  await page.evaluate(() => {
    document.querySelectorAll('[data-stop]').forEach((one) => one.removeAttribute('data-stop'));
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  });
  const faults = [
    ...stops.filter(({ isVisible }) => !isVisible).map(({ label }) => `not visible when focused: ${label}`),
    ...stops.filter(({ isForward }) => !isForward).map(({ label }) => `Tab goes back to: ${label}`),
  ];
  return { stops: stops.map(({ label }) => label), faults };
}

/**
 * Presses Tab once. Returns the focused element, or undefined at the end: when focus returns to the
 * body, a dialog, or a stop seen before.
 * @param {import('playwright-core').Page} page @returns {Promise<Stop | undefined>}
 */
async function step(page) {
  await page.keyboard.press('Tab');
  return page.evaluate(() => {
    const focused = document.activeElement;
    if (!focused || focused.matches('body, dialog, [data-stop]')) return undefined;
    const last = [...document.querySelectorAll('[data-stop]')].at(-1);
    const isForward =
      !last || Boolean(last.compareDocumentPosition(focused) & Node.DOCUMENT_POSITION_FOLLOWING);
    focused.setAttribute('data-stop', '');
    const { left, top, width, height } = focused.getBoundingClientRect();
    const topmost = document.elementFromPoint(left + width / 2, top + height / 2);
    const isVisible = Boolean(
      topmost && (focused.contains(topmost) || (topmost !== document.body && topmost.contains(focused))),
    );
    const [labelElement = focused] = /** @type {HTMLInputElement} */ (focused).labels ?? [];
    const name = focused.getAttribute('aria-label') ?? labelElement.textContent?.trim().replace(/\s+/g, ' ');
    return { label: `${focused.getAttribute('role') ?? focused.localName} ${name}`, isVisible, isForward };
  });
}
