/**
 * Runs one flow at a time: opens its window in the click, asks the server how far it has come, and ends when the server
 * says so. Messages and closed windows only say when to ask.
 */
import type { Api } from './api.js';
import type { Browser, FlowMessage } from './browser.js';
import { completeFlow, type Outcome } from './completion.js';
import { asError, type ErrorCode, EvergrantError } from './error.js';
import type { FlowRecords } from './flow-records.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import { type FlowInput, type FlowState, isOpen, nextFlow } from './flow-state.js';
import type { Page, Popup } from './page.js';
import { challengeOf, createVerifier } from './pkce.js';
import { createPoller } from './poller.js';
import type { Integration, Provider, ProviderId, ServerFlow, StartedFlow } from './types.js';

export interface RunnerOptions {
  api: Api;
  page: Pick<Page, 'openPopup' | 'address' | 'onReturn'>;
  browser: Browser;
  records: FlowRecords;
  state(): FlowState;
  setState(state: FlowState): void;
  provider(id: ProviderId): Promise<Provider | undefined>;
  /** Where consents come back to. */
  redirectUrl(): string;
  /** Reads the status again and finds accounts in it. */
  accounts(provider: ProviderId, accountIds: readonly string[]): Promise<readonly Integration[]>;
  onEnd(state: FlowState): void;
}

/** So many answers that a consent waits for its page are believed before this page finishes in its place. */
const PATIENCE = 2;
const OVER: ReadonlySet<ErrorCode> = new Set(['INVALID_STATE', 'FLOW_NOT_FOUND']);

interface Run {
  provider: ProviderId;
  options: ConnectOptions;
  popup: Popup | null;
  /** Tells whoever called `connect`. */
  resolve(result: ConnectResult): void;
  authUrl?: string;
  /** Answers of the server that the consent waits for its page. */
  unfinished: number;
  wake(): void;
  stop(): void;
}

export class FlowRunner {
  readonly #deps: RunnerOptions;
  #current: Run | undefined;

  constructor(deps: RunnerOptions) {
    this.#deps = deps;
  }

  /** Never rejects. `popup` was opened in the click; without one, this page is left. */
  connect(provider: ProviderId, options: ConnectOptions, popup: Popup | null): Promise<ConnectResult> {
    this.#abandon();
    const { accountId } = options;
    return new Promise((resolve) => {
      const idle = () => {};
      const run: Run = { provider, options, popup, resolve, unfinished: 0, wake: idle, stop: idle };
      this.#current = run;
      this.#feed({ type: 'start', provider, accountId });
      this.#begin(run).catch((thrown) => {
        popup?.close();
        if (this.#current === run) this.#feed({ type: 'failed', provider, error: asError(thrown) });
      });
    });
  }

  /** Gives up the flow that is under way. */
  cancel(): void {
    this.#current?.popup?.close();
    this.#abandon();
  }

  /** Something happened to a flow: ask the server. */
  wake(flowId: string): void {
    const state = this.#deps.state();
    if ('flowId' in state && state.flowId === flowId) this.#current?.wake();
  }

  /** Ends the telling of a flow that is over. */
  dismiss(): void {
    this.#feed({ type: 'dismiss' });
  }

  /** This page was left and has come back as it was. */
  restored(): void {
    if (this.#deps.state().step === 'redirecting') this.#feed({ type: 'cancel' });
  }

  /** Opens the window of the flow that waits once more, or brings it to the front. Must be called in a click. */
  reopen(): void {
    const state = this.#deps.state();
    const run = this.#current;
    if (!run?.authUrl || !(state.step === 'waiting' || state.step === 'unsure')) return;
    if (run.popup && !run.popup.closed) return run.popup.focus();
    run.popup = this.#deps.page.openPopup();
    if (!run.popup) return this.#deps.browser.leave(run.authUrl);
    run.popup.go(run.authUrl);
    this.#feed({ type: 'reopened', flowId: state.flowId });
  }

  chooseAccounts(accountIds: readonly string[]): Promise<void> {
    const { api, records } = this.#deps;
    return this.#send(async (flowId, provider) => {
      const record = records.read(flowId);
      if (!record) return { status: 'failed', provider, flowId, code: 'INVALID_STATE' };
      return completeFlow(api, records, flowId, record, accountIds);
    });
  }

  submitCredentials(values: Record<string, string>): Promise<void> {
    const { api } = this.#deps;
    return this.#send(async (flowId, provider, run) => {
      const { integrations } = await api.credentials(flowId, values).catch(async (thrown) => {
        // Whoever takes ten minutes to find a cookie gets another ten.
        if (!run || !OVER.has(asError(thrown).code)) throw thrown;
        return api.credentials((await this.#ask(run)).started.flowId, values);
      });
      const accountIds = integrations.map((one) => one.providerAccountId);
      return { status: 'connected', provider, flowId, accountIds };
    });
  }

  /** Takes what came of a flow, of this page's or of the page before. */
  async settle(outcome: Outcome, run = this.#current): Promise<void> {
    const { records, accounts } = this.#deps;
    const isOvertaken = () => this.#current !== run;
    const { provider, flowId } = outcome;
    if (isOvertaken()) return;
    if (outcome.status === 'cancelled') return this.#feed({ type: 'cancel' });
    if (outcome.status === 'choose') {
      return this.#feed({ type: 'choose', provider, flowId: outcome.flowId, accounts: outcome.accounts });
    }
    // Its window may come back only now: the note tells that page that it was begun here.
    if (flowId) records.cancel(flowId);
    if (outcome.status === 'failed') {
      const { code, correlationId } = outcome;
      const error = new EvergrantError(code, code, correlationId ? { correlationId } : {});
      return this.#feed({ type: 'failed', flowId, provider, error });
    }
    const integrations = await accounts(provider, outcome.accountIds);
    // An address can say anything: without a flow of ours, only what the server lists counts.
    if (isOvertaken() || (!flowId && integrations.length === 0)) return;
    this.#feed({ type: 'connected', flowId: outcome.flowId, provider, integrations });
  }

  #feed(input: FlowInput): void {
    const before = this.#deps.state();
    const after = nextFlow(before, input);
    if (after === before) return;
    if (isOpen(after)) return this.#deps.setState(after);
    const ended = this.#current;
    this.#current = undefined;
    ended?.stop();
    this.#deps.setState(after);
    if (after.step === 'idle') return ended?.resolve({ status: 'cancelled' });
    this.#deps.onEnd(after);
    if (after.step === 'connected') ended?.resolve({ status: 'connected', integrations: after.integrations });
    if (after.step === 'failed') ended?.resolve({ status: 'failed', error: after.error });
  }

  /** Its window stays: another flow may take it over. */
  #abandon(): void {
    const state = this.#deps.state();
    if ('flowId' in state && state.flowId && isOpen(state)) this.#deps.records.cancel(state.flowId);
    this.#feed({ type: 'cancel' });
  }

  async #begin(run: Run): Promise<void> {
    const { provider } = run;
    const entry = await this.#deps.provider(provider);
    const pasted = entry?.kind === 'cookies';
    if (pasted) run.popup?.close();
    const { started, verifier } = await this.#ask(run);
    // Cancelled meanwhile, or another was begun.
    if (this.#current !== run) return;
    const { flowId } = started;
    if (pasted) return this.#feed({ type: 'fields', flowId, fields: entry.fields ?? [] });
    this.#keep(run, flowId, verifier);
    this.#sendOff(run, started);
  }

  #keep(run: Run, flowId: string, verifier: string): void {
    const { provider, popup, options } = run;
    const { accountId } = options;
    const mode = popup ? 'popup' : 'redirect';
    const returnTo = this.#deps.page.address();
    this.#deps.records.begin(flowId, {
      provider,
      mode,
      returnTo,
      verifier,
      ...(accountId ? { accountId } : {}),
    });
  }

  #sendOff(run: Run, started: StartedFlow): void {
    const { flowId, authUrl } = started;
    run.authUrl = webAddress(authUrl);
    if (run.popup) {
      run.popup.go(authUrl);
      this.#feed({ type: 'begun', step: 'waiting', flowId });
      return this.#watch(run, started);
    }
    this.#feed({ type: 'begun', step: 'redirecting', flowId });
    run.resolve({ status: 'redirecting' });
    this.#deps.browser.leave(authUrl);
  }

  async #ask(run: Run): Promise<{ started: StartedFlow; verifier: string }> {
    const { api, browser, redirectUrl } = this.#deps;
    if (!browser.isSecure()) throw new EvergrantError('INSECURE_CONTEXT', 'Connecting needs https');
    const verifier = createVerifier();
    const { scopes, accountId } = run.options;
    const started = await api.connect(run.provider, {
      redirectUrl: redirectUrl(),
      challenge: await challengeOf(verifier),
      ...(scopes ? { scopes } : {}),
      ...(accountId ? { accountId } : {}),
    });
    return { started, verifier };
  }

  #watch(run: Run, { flowId, expiresAt }: StartedFlow): void {
    const { api, page, browser } = this.#deps;
    const poller = createPoller({ api, flowId, expiresAt: Date.parse(expiresAt) }, (flow) =>
      this.#onAnswer(run, flowId, flow),
    );
    const deaf = browser.onMessage((message) => {
      const said = message.data as Partial<FlowMessage> | null;
      if (run.popup?.sent(message) && said?.type === 'evergrant:flow') poller.wake();
    });
    const undo = page.onReturn(() => poller.wake());
    run.wake = () => poller.wake();
    run.stop = () => {
      poller.stop();
      deaf();
      undo();
    };
  }

  async #onAnswer(run: Run, flowId: string, flow: ServerFlow): Promise<void> {
    const { api, browser, records } = this.#deps;
    const { provider, popup } = run;
    const state = this.#deps.state();
    // What is on its way from here is answered with all accounts; a flow names one of them.
    if ('busy' in state && state.busy) return;
    if (flow.status === 'connected') {
      const accountIds = flow.accountId ? [flow.accountId] : [];
      return this.settle({ status: 'connected', provider, flowId, accountIds }, run);
    }
    if (flow.status === 'error') {
      const code = (flow.code ?? 'OAUTH_CALLBACK_ERROR') as ErrorCode;
      return this.settle({ status: 'failed', provider, flowId, code }, run);
    }
    // Without a receipt the consent came back to another browser, and is not for us to take.
    const record = records.read(flowId);
    if (record?.receipt && flow.status === 'choose') {
      return this.#feed({ type: 'choose', flowId, provider, accounts: flow.accounts ?? [] });
    }
    // The page that came back finishes by itself; if it was closed before it could, this one does.
    if (record?.receipt && flow.status === 'pending' && popup?.closed && ++run.unfinished > PATIENCE) {
      return this.settle(await completeFlow(api, records, flowId, record), run);
    }
    if (popup?.closed && browser.hasFocus()) this.#feed({ type: 'closed', flowId });
  }

  async #send(
    work: (flowId: string, provider: ProviderId, run: Run | undefined) => Promise<Outcome>,
  ): Promise<void> {
    const state = this.#deps.state();
    if (!(state.step === 'choose' || state.step === 'credentials') || state.busy) return;
    const { flowId, provider } = state;
    const run = this.#current;
    this.#feed({ type: 'busy', flowId });
    try {
      await this.settle(await work(flowId, provider, run), run);
    } catch (thrown) {
      this.#feed({ type: 'refused', flowId, error: asError(thrown) });
    }
  }
}

/** Scripts and files are no consent pages, whoever says so. */
function webAddress(url: string): string {
  if (/^https?:\/\//i.test(url)) return url;
  throw new EvergrantError('OAUTH_INIT_ERROR', 'The consent page has no web address');
}
