/** One flow of this page: the request, its window, and the signals that trigger a read of its state. */
import type { Api } from './api.js';
import type { Browser, FlowMessage } from './browser.js';
import { EvergrantError } from './error.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import type { Page, Popup } from './page.js';
import { createPoller } from './poller.js';
import type { ProviderId, ServerFlow, StartedFlow } from './types.js';

interface FlowRequest {
  /** The platform to connect. */
  provider: ProviderId;
  /** The options of `connect`. */
  options: ConnectOptions;
  /** The window that was opened in the click; null if the flow uses this page. */
  popup: Popup | null;
  /** Resolves the promise that `connect` returned. */
  resolve(result: ConnectResult): void;
}

/** A flow that this page has started. */
export interface FlowRun extends FlowRequest {
  /** The server's response to `connect`; set only for flows in a window. */
  started?: StartedFlow;
  /** How often the server has reported a returned consent that its page has not finished. */
  unfinished: number;
  /** Reads the flow's state now. */
  wake(): void;
  /** Stops reading the flow's state. */
  stop(): void;
}

const nothing = () => {};

/** Creates the run of a flow that the server does not know yet. */
export function createRun(request: FlowRequest): FlowRun {
  return { ...request, unfinished: 0, wake: nothing, stop: nothing };
}

/** What `watchRun` depends on. */
export interface WatchOptions {
  /** The routes to call. */
  api: Api;
  /** Reports when the user returns to this page. */
  page: Pick<Page, 'onReturn'>;
  /** Receives the messages of the flow's window. */
  browser: Pick<Browser, 'onMessage'>;
}

/** Polls the flow's state until `run.stop()` is called, and reads it at once after a message or a return to the page. */
export function watchRun(
  run: FlowRun,
  { api, page, browser }: WatchOptions,
  onState: (flowId: string, flow: ServerFlow) => unknown,
): void {
  if (!run.started) return;
  const { flowId, expiresAt } = run.started;
  run.stop();
  const poller = createPoller({ api, flowId, expiresAt: Date.parse(expiresAt) }, (flow) =>
    onState(flowId, flow),
  );
  const removeMessageListener = browser.onMessage((message) => {
    const data = message.data as Partial<FlowMessage> | null;
    if (run.popup?.isSource(message) && data?.type === 'evergrant:flow') poller.wake();
  });
  const removeReturnListener = page.onReturn(poller.wake);
  run.wake = poller.wake;
  run.stop = () => {
    poller.stop();
    removeMessageListener();
    removeReturnListener();
    run.wake = run.stop = nothing;
  };
}

/**
 * Returns `url` if it is an http(s) URL. URLs of scripts and files are refused even if the server sends them.
 *
 * @throws EvergrantError `OAUTH_INIT_ERROR` for other schemes.
 */
export function webAddress(url: string): string {
  if (/^https?:\/\//i.test(url)) return url;
  throw new EvergrantError('OAUTH_INIT_ERROR', 'Not an http(s) page');
}
