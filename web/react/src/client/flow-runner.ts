/**
 * Runs one flow at a time: opens its window in the click, asks the server how far it has come, and ends when the server
 * says so. Messages and closed windows only say when to ask.
 */
import type { Api } from './api.js';
import type { Browser } from './browser.js';
import { completeFlow, type Outcome, outcomeOf } from './completion.js';
import { asError, type ErrorCode, EvergrantError } from './error.js';
import type { FlowRecords } from './flow-records.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import { createRun, type Run, watchRun, webAddress } from './flow-run.js';
import { type FlowInput, type FlowState, isOpen, nextFlow } from './flow-state.js';
import type { Page, Popup } from './page.js';
import { challengeOf, createVerifier } from './pkce.js';
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
  /** Whether nobody looks at this client just now. */
  isResting(): boolean;
  /** Reads the status again and finds accounts in it. */
  accounts(provider: ProviderId, accountIds: readonly string[]): Promise<readonly Integration[]>;
  onEnd(state: FlowState): void;
}

/** So many answers that a consent waits for its page are believed before this page finishes in its place. */
const PATIENCE = 2;
const OVER: ReadonlySet<ErrorCode> = new Set(['INVALID_STATE', 'FLOW_NOT_FOUND']);

export class FlowRunner {
  readonly #deps: RunnerOptions;
  #current: Run | undefined;

  constructor(deps: RunnerOptions) {
    this.#deps = deps;
  }

  /** Never rejects. `popup` was opened in the click; without one, this page is left. */
  connect(provider: ProviderId, options: ConnectOptions, popup: Popup | null): Promise<ConnectResult> {
    const before = this.#current;
    this.#abandon();
    const { accountId, signal } = options;
    return new Promise((resolve) => {
      const run = createRun({ provider, options, popup, resolve });
      this.#current = run;
      if (before) this.#closeWindow(before);
      this.#feed({ type: 'start', provider, accountId });
      if (signal?.aborted) return this.cancel();
      signal?.addEventListener('abort', () => this.#current === run && this.cancel(), { once: true });
      this.#begin(run).catch((thrown) => {
        this.#closeWindow(run);
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

  /** The user is on this page. If it was about to be left, it was not, or has come back as it was. */
  restored(): void {
    if (this.#deps.state().step === 'redirecting') this.#feed({ type: 'cancel' });
  }

  /** Opens the window of the flow that waits once more, or brings it to the front. Must be called in a click. */
  reopen(): void {
    const state = this.#deps.state();
    const run = this.#current;
    if (!run?.started || !(state.step === 'waiting' || state.step === 'unsure')) return;
    if (run.popup && !run.popup.closed) return run.popup.focus();
    run.popup = this.#deps.page.openPopup();
    if (!run.popup) return this.#deps.browser.leave(run.started.authUrl);
    run.popup.go(run.started.authUrl);
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

  /** Takes what came of a flow that was begun before this page was loaded. */
  async resume(find: () => Promise<Outcome | null>): Promise<void> {
    const outcome = await find();
    if (outcome) await this.#settle(outcome, undefined);
  }

  /** Watches the flow that is under way no longer. */
  rest(): void {
    this.#current?.stop();
  }

  /** Watches it again. */
  watch(): void {
    if (this.#current) this.#watch(this.#current);
  }

  /** Takes what came of a flow: of `run`, or of one that is none of this page's. */
  async #settle(outcome: Outcome, run: Run | undefined): Promise<void> {
    const { records, accounts } = this.#deps;
    const isOvertaken = () => this.#current !== run;
    const { provider, flowId, status } = outcome;
    // Its window may come back only now: the note tells that page that it was begun here.
    if (flowId && status !== 'choose') records.cancel(flowId);
    // Whoever has begun another meanwhile still finds the account in the list.
    const integrations = status === 'connected' ? await accounts(provider, outcome.accountIds) : [];
    if (isOvertaken()) return;
    if (status === 'cancelled') return this.#feed({ type: 'cancel' });
    if (status === 'choose')
      return this.#feed({ type: 'choose', provider, flowId, accounts: outcome.accounts });
    if (status === 'failed') {
      const { code, correlationId, retryAfter } = outcome;
      const error = new EvergrantError(code, code, { correlationId, retryAfter });
      return this.#feed({ type: 'failed', flowId, provider, error });
    }
    // An address can say anything: without a flow of ours, only what the server lists counts.
    if (!flowId && integrations.length === 0) return;
    this.#feed({ type: 'connected', flowId, provider, integrations });
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

  /** All flows share the one window, so it stays if a newer one has taken it over. */
  #closeWindow(run: Run): void {
    if (this.#current === run || !this.#current?.popup) run.popup?.close();
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
    if (this.#current !== run) return;
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

  #keep({ provider, popup }: Run, flowId: string, verifier: string): void {
    const mode = popup ? 'popup' : 'redirect';
    const returnTo = this.#deps.page.address();
    this.#deps.records.begin(flowId, { provider, mode, returnTo, verifier });
  }

  #sendOff(run: Run, started: StartedFlow): void {
    const { flowId, authUrl } = started;
    const address = webAddress(authUrl);
    if (run.popup) {
      run.started = started;
      run.popup.go(address);
      this.#feed({ type: 'begun', step: 'waiting', flowId });
      return this.#watch(run);
    }
    this.#feed({ type: 'begun', step: 'redirecting', flowId });
    run.resolve({ status: 'redirecting' });
    this.#deps.browser.leave(address);
  }

  async #ask(run: Run): Promise<{ started: StartedFlow; verifier: string }> {
    const { api, browser, redirectUrl } = this.#deps;
    if (!browser.isSecure()) throw new EvergrantError('INSECURE_CONTEXT', 'Connecting needs https');
    const verifier = createVerifier();
    const { scopes, accountId } = run.options;
    const started = await api.connect(run.provider, {
      redirectUrl: redirectUrl(),
      challenge: await challengeOf(verifier),
      scopes,
      accountId,
    });
    return { started, verifier };
  }

  #watch(run: Run): void {
    if (!this.#deps.isResting())
      watchRun(run, this.#deps, (flowId, flow) => this.#onAnswer(run, flowId, flow));
  }

  async #onAnswer(run: Run, flowId: string, flow: ServerFlow): Promise<void> {
    const { api, browser, records } = this.#deps;
    const { provider, popup } = run;
    const state = this.#deps.state();
    // What is on its way from here is answered with all accounts; a flow names one of them.
    if ('busy' in state && state.busy) return;
    const record = records.read(flowId);
    const outcome = outcomeOf(flow, provider, flowId);
    // Without a receipt the consent came back to another browser, and is not for us to take.
    if (outcome && (flow.status !== 'choose' || record?.receipt)) return this.#settle(outcome, run);
    // The page that came back finishes by itself; if it was closed before it could, this one does.
    if (record?.receipt && flow.status === 'pending' && popup?.closed && ++run.unfinished > PATIENCE) {
      return this.#settle(await completeFlow(api, records, flowId, record), run);
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
      await this.#settle(await work(flowId, provider, run), run);
    } catch (thrown) {
      this.#feed({ type: 'refused', flowId, error: asError(thrown) });
    }
  }
}
