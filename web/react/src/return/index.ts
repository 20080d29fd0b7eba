/** `@evergrant/react/return`: the page to which consents come back, where that is a page of its own. */
import { createApi } from '../client/api.js';
import { createBrowser } from '../client/browser.js';
import type { Outcome } from '../client/completion.js';
import { finishReturn, leaveOutcome } from '../client/finish-return.js';
import { createFlowRecords } from '../client/flow-records.js';
import { createSend, type HttpOptions } from '../client/http.js';
import { createPage } from '../client/page.js';
import { createTabs } from '../client/tabs.js';

export interface ReturnTexts {
  done: string;
  working: string;
  elsewhere: string;
  back: string;
}

export interface ReturnPageOptions extends HttpOptions {
  /** Where to say what there is to say; the page's body by default. */
  element?: HTMLElement;
  /** `returned` of a language; English by default. */
  texts?: ReturnTexts;
  /** Where to go when the address tells of no flow; `/` by default. */
  home?: string;
  /** Instead of loading the next page, for a router of your own. */
  navigate?: (url: string) => void;
}

const ENGLISH: ReturnTexts = {
  done: 'You can close this window.',
  working: 'One moment…',
  elsewhere: 'This was begun in another browser. Nothing was connected.',
  back: 'Go back',
};

/**
 * Finishes the flow that the address tells of, with the verifier that this browser kept. Then the window that was
 * opened for it closes; a page that was sent here goes back to where it came from, whose provider tells what came of it.
 */
export async function runReturnPage(options: ReturnPageOptions = {}): Promise<Outcome | null> {
  const { texts = ENGLISH, home = '/', element = document.body } = options;
  const navigate = options.navigate ?? ((url: string) => location.replace(url));
  const browser = createBrowser();
  const tabs = createTabs();
  element.textContent = texts.working;
  const returned = await finishReturn({
    api: createApi(createSend(options)),
    page: createPage(),
    browser,
    records: createFlowRecords(browser),
    tell: (flowId) => tabs.tell({ type: 'flow', flowId }),
  });
  if (!returned) {
    navigate(home);
    return null;
  }
  const { outcome, record } = returned;
  const back = sameOrigin(record?.returnTo) ?? home;
  if (record?.mode === 'popup' && browser.closeSelf()) return outcome;
  if (record) leaveOutcome(browser, outcome);
  if (record?.mode === 'redirect') navigate(back);
  else say(element, isElsewhere(outcome) ? texts.elsewhere : texts.done, texts.back, back);
  return outcome;
}

function isElsewhere(outcome: Outcome): boolean {
  return outcome.status === 'failed' && outcome.code === 'BEGUN_ELSEWHERE';
}

function say(element: HTMLElement, text: string, back: string, href: string): void {
  const [sentence, link] = [document.createElement('p'), document.createElement('a')];
  sentence.textContent = text;
  link.textContent = back;
  link.href = href;
  element.replaceChildren(sentence, link);
}

function sameOrigin(address: string | undefined): string | null {
  if (!address) return null;
  return new URL(address, location.href).origin === location.origin ? address : null;
}
