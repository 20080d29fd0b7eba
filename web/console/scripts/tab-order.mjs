/** Which way the Tab key goes through a page, and what is wrong with that way. */

/** More than any page of ours has to offer. */
const MOST = 100;

/** @typedef {{ what: string, isSeen: boolean, isAhead: boolean }} Stop */

/**
 * From the start to where the browser's own controls would come next: each stop by role and name, and the faults: one
 * that is not seen when it has the focus, one that goes back in the page, a way without an end.
 * @param {import('playwright-core').Page} page
 */
export async function tabOrder(page) {
  await page.evaluate(() => {
    // A browser goes on from where somebody was last: here, at the start.
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
    if (stops.length > MOST) return { stops: [], faults: [`more than ${MOST} stops of the Tab key`] };
  }
  await page.evaluate(() => {
    document.querySelectorAll('[data-stop]').forEach((one) => one.removeAttribute('data-stop'));
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  });
  const faults = [
    ...stops.filter(({ isSeen }) => !isSeen).map(({ what }) => `not seen when it has the focus: ${what}`),
    ...stops.filter(({ isAhead }) => !isAhead).map(({ what }) => `the Tab key goes back to: ${what}`),
  ];
  return { stops: stops.map(({ what }) => what), faults };
}

/**
 * The next one; none at the end, or where the way begins again: at the page, a dialog or the first stop.
 * @param {import('playwright-core').Page} page @returns {Promise<Stop | undefined>}
 */
async function step(page) {
  await page.keyboard.press('Tab');
  return page.evaluate(() => {
    const here = document.activeElement;
    if (!here || here.matches('body, dialog, [data-stop]')) return undefined;
    const last = [...document.querySelectorAll('[data-stop]')].at(-1);
    const isAhead = !last || Boolean(last.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING);
    here.setAttribute('data-stop', '');
    const { left, top, width, height } = here.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    const isSeen = Boolean(
      there && (here.contains(there) || (there !== document.body && there.contains(here))),
    );
    const [label = here] = /** @type {HTMLInputElement} */ (here).labels ?? [];
    const name = here.getAttribute('aria-label') ?? label.textContent?.trim().replace(/\s+/g, ' ');
    return { what: `${here.getAttribute('role') ?? here.localName} ${name}`, isSeen, isAhead };
  });
}
