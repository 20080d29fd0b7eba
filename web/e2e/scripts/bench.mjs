/**
 * How quick the console is on this machine, beside what is aimed at. Nothing fails here: times are this machine's.
 * `npm run bench -w e2e`, on the program that `EVERGRANT_BIN` names.
 */
import { DEMO, NOBODY, Stage } from '../lib/stage.mjs';
import { consent } from '../lib/visit.mjs';

const TIMES = 7;

/** Runs in every page before its own scripts. */
function observe() {
  const seen = { lcp: 0, cls: 0, slowest: 0 };
  /** @type {any} */ (window).seen = seen;
  /** @param {string} type @param {(entry: any) => void} take @param {object} options */
  const watch = (type, take, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({
      type,
      buffered: true,
      ...options,
    });
  watch('largest-contentful-paint', ({ startTime }) => (seen.lcp = startTime));
  watch('layout-shift', ({ value, hadRecentInput }) => (seen.cls += hadRecentInput ? 0 : value));
  watch(
    'event',
    ({ duration, interactionId }) => interactionId && (seen.slowest = Math.max(seen.slowest, duration)),
    {
      durationThreshold: 16,
    },
  );
}

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** @param {import('playwright-core').Page} page @returns {Promise<{ lcp: number, cls: number, slowest: number }>} */
async function seen(page) {
  // Two frames later whatever was on its way is painted and told.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return page.evaluate('window.seen');
}

/** A browser of its own, signed in, with nothing open. @param {Stage} stage */
async function observed(stage) {
  const visit = await stage.visit(NOBODY);
  await visit.profile.addInitScript(observe);
  await visit.signIn(DEMO);
  return visit;
}

/** @param {Stage} stage */
async function loading(stage) {
  const visit = await observed(stage);
  const warm = [];
  const page = await visit.open();
  for (let time = 0; time < TIMES; time++) {
    await page.reload();
    await page.waitForSelector('.eg-toaster', { state: 'attached' });
    warm.push(await seen(page));
  }
  const slowest = [];
  for (const name of ['Permissions', 'Permissions']) {
    await visit.card('Reddit').getByText(name).click();
    slowest.push((await seen(visit.page)).slowest);
  }
  return {
    lcp: median(warm.map(({ lcp }) => lcp)),
    cls: Math.max(...warm.map(({ cls }) => cls)),
    inp: Math.max(...slowest),
  };
}

/** @param {Stage} stage */
async function firstVisit(stage) {
  const found = [];
  for (let time = 0; time < TIMES; time++) {
    const visit = await observed(stage);
    found.push((await seen(await visit.open())).lcp);
    await visit.profile.close();
  }
  return median(found);
}

/** @param {Stage} stage */
async function connecting(stage) {
  const found = [];
  const visit = await stage.visit();
  for (let time = 0; time < TIMES; time++) {
    const popup = await visit.begin('Reddit');
    const closed = popup.waitForEvent('close');
    const allowed = performance.now();
    await consent(popup);
    await visit.row('juniper_vale').getByText('Connected', { exact: true }).waitFor();
    found.push(performance.now() - allowed);
    await closed;
    await stage.api('disconnect/reddit/sim9z', { method: 'DELETE' });
    await visit.row('juniper_vale').waitFor({ state: 'hidden' });
  }
  return median(found);
}

const stage = new Stage({});
try {
  await stage.open();
  const first = await firstVisit(stage);
  const { lcp, cls, inp } = await loading(stage);
  const allow = await connecting(stage);
  const rows = [
    ['largest paint, first visit', `${Math.round(first)} ms`, '700 ms'],
    ['largest paint, again', `${Math.round(lcp)} ms`, '150 ms'],
    ['layout shift', cls.toFixed(3), '0.02'],
    ['slowest interaction', inp < 16 ? 'below 16 ms' : `${Math.round(inp)} ms`, '100 ms'],
    ['from Allow to a connected card', `${Math.round(allow)} ms`, '500 ms'],
  ];
  console.log(`medians of ${TIMES}`.padEnd(34), 'here'.padEnd(14), 'aim');
  for (const [what = '', here = '', aim = ''] of rows) console.log(what.padEnd(34), here.padEnd(14), aim);
} finally {
  await stage.close();
}
