/** One flow of this page: its window, who asked for it, and what tells when to ask the server about it. */
import type { Api } from './api.js';
import type { Browser, FlowMessage } from './browser.js';
import { EvergrantError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { Page, Popup } from './page.js';
import { createPoller } from './poller.js';
import type { ProviderId, ServerFlow, StartedFlow } from './types.js';

interface Asked {
  provider: ProviderId;
  options: ConnectOptions;
  popup: Popup | null;
  /** Tells whoever called `connect`. */
  resolve(result: ConnectResult): void;
}

export interface Run extends Asked {
  /** What the server answered, where a window shows it. */
  started?: StartedFlow;
  /** Answers of the server that the consent waits for its page. */
  unfinished: number;
  /** Asks the server now. */
  wake(): void;
  /** Asks it no longer. */
  stop(): void;
}

const nothing = () => {};

export function createRun(asked: Asked): Run {
  return { ...asked, unfinished: 0, wake: nothing, stop: nothing };
}

export interface Watch {
  api: Api;
  page: Pick<Page, 'onReturn'>;
  browser: Pick<Browser, 'onMessage'>;
}

/** Asks the server about the run's flow, until `run.stop()`. */
export function watchRun(
  run: Run,
  { api, page, browser }: Watch,
  onAnswer: (flowId: string, flow: ServerFlow) => unknown,
): void {
  if (!run.started) return;
  const { flowId, expiresAt } = run.started;
  run.stop();
  const poller = createPoller({ api, flowId, expiresAt: Date.parse(expiresAt) }, (flow) =>
    onAnswer(flowId, flow),
  );
  const deaf = browser.onMessage((message) => {
    const said = message.data as Partial<FlowMessage> | null;
    if (run.popup?.sent(message) && said?.type === 'evergrant:flow') poller.wake();
  });
  const undo = page.onReturn(poller.wake);
  run.wake = poller.wake;
  run.stop = () => {
    poller.stop();
    deaf();
    undo();
    run.wake = run.stop = nothing;
  };
}

/** Scripts and files are no consent pages, whoever says so. */
export function webAddress(url: string): string {
  if (/^https?:\/\//i.test(url)) return url;
  throw new EvergrantError('OAUTH_INIT_ERROR', 'The consent page has no web address');
}
