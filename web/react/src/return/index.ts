/** `@evergrant/react/return`: a separate page that consents return to. */
import { createApi } from '../client/api.js';
import { createBrowser } from '../client/browser.js';
import type { Outcome } from '../client/completion.js';
import { finishReturn, storeOutcome } from '../client/finish-return.js';
import { createFlowRecords } from '../client/flow-records.js';
import { createSend, type HttpOptions } from '../client/http.js';
import { createPage } from '../client/page.js';
import { createTabs } from '../client/tabs.js';
import type { ReturnTexts } from '../messages/extra-messages.js';

export type { Outcome, ReturnTexts };

/** The options of `runReturnPage`. */
export interface ReturnPageOptions extends HttpOptions {
  /**
   * The element that shows the texts.
   *
   * @default the page's body
   */
  element?: HTMLElement;
  /**
   * The texts: `returned` of a language.
   *
   * @default English
   */
  texts?: ReturnTexts;
  /**
   * Where to go if the URL does not describe a returned consent.
   *
   * @default '/'
   */
  home?: string;
  /**
   * Navigates to another page, for apps with a router.
   *
   * @default loads the page
   */
  navigate?: (url: string) => void;
}

/** A copy of the English texts, so that this small page need not load all messages. */
const ENGLISH: ReturnTexts = {
  done: 'You can close this window.',
  working: 'One moment…',
  otherBrowser:
    'This sign-in was started in another browser. Nothing was connected. Start again in this browser.',
  back: 'Go back',
};

/**
 * Finishes the flow described by the page's URL, with the verifier that this browser has stored. Then closes the
 * window if it was opened for the flow, or returns to the page that started the flow, whose provider reports the outcome.
 * Never rejects for failures of the flow, which are part of the outcome.
 *
 * @returns how the flow ended; null if the URL does not describe a returned consent
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
    notifyTabs: (flowId) => tabs.post({ type: 'flow', flowId }),
  });
  if (!returned) {
    navigate(home);
    return null;
  }
  const { outcome, record } = returned;
  const back = sameOrigin(record?.returnTo) ?? home;
  if (record?.mode === 'popup' && browser.closeSelf()) return outcome;
  if (record) storeOutcome(browser, outcome);
  if (record?.mode === 'redirect') navigate(back);
  else show(element, isOtherBrowser(outcome) ? texts.otherBrowser : texts.done, texts.back, back);
  return outcome;
}

function isOtherBrowser(outcome: Outcome): boolean {
  return outcome.status === 'failed' && outcome.code === 'STARTED_IN_OTHER_BROWSER';
}

/** Shows a sentence and a link. */
function show(element: HTMLElement, text: string, back: string, href: string): void {
  const [sentence, link] = [document.createElement('p'), document.createElement('a')];
  sentence.textContent = text;
  link.textContent = back;
  link.href = href;
  element.replaceChildren(sentence, link);
}

/** Returns the URL if it has this page's origin; otherwise null. */
function sameOrigin(address: string | undefined): string | null {
  if (!address) return null;
  return new URL(address, location.href).origin === location.origin ? address : null;
}
