/**
 * Runs one flow at a time: opens its window in the click, reads its state from the server, and ends when the server says
 * so. Messages and closed windows only trigger a read.
 */
import type { Api } from './api.js';
import type { Browser } from './browser.js';
import { completeFlow, isConcealed, type Outcome, outcomeOf } from './completion.js';
import { asError, type ErrorCode, EvergrantError } from './error.js';
import type { FlowRecords } from './flow-records.js';
import type { ConnectOptions, ConnectResult } from './flow-options.js';
import { createRun, type FlowRun, watchRun, webAddress } from './flow-run.js';
import { type FlowInput, type FlowState, isOpen, nextFlow } from './flow-state.js';
import type { Page, Popup } from './page.js';
import { challengeOf, createVerifier } from './pkce.js';
import type { Integration, Provider, ProviderId, ServerFlow, StartedFlow } from './types.js';

/** What the runner depends on. */
export interface RunnerOptions {
  /** The routes to call. */
  api: Api;
  /** This page. */
  page: Pick<Page, 'openPopup' | 'address' | 'onReturn'>;
  /** The browser features. */
  browser: Browser;
  /** The flows that this browser has started. */
  records: FlowRecords;
  /** Returns the state of the flow. */
  state(): FlowState;
  /** Replaces the state of the flow. */
  setState(state: FlowState): void;
  /** Returns the catalogue entry of a platform; undefined if there is none. */
  provider(id: ProviderId): Promise<Provider | undefined>;
  /** Returns the absolute URL that consents return to. */
  redirectUrl(): string;
  /** Whether the client is stopped, so that the state of flows is not read. */
  isPaused(): boolean;
  /** Reads the status again and returns these accounts. */
  accounts(provider: ProviderId, accountIds: readonly string[]): Promise<readonly Integration[]>;
  /** Called when a flow has ended as `connected` or `failed`. */
  onEnd(state: FlowState): void;
}

/** How many reads may report a returned consent as unfinished before this page acts for the page in the window. */
const MAX_UNFINISHED_READS = 2;
/** The codes of flows that have expired or ended at the server. */
const ENDED_CODES: ReadonlySet<ErrorCode> = new Set(['INVALID_STATE', 'FLOW_NOT_FOUND']);

/** Runs the flows of a page, one at a time. */
export class FlowRunner {
  readonly #deps: RunnerOptions;
  #current: FlowRun | undefined;

  constructor(deps: RunnerOptions) {
    this.#deps = deps;
  }

  /**
   * Starts a flow and cancels the current one. Never rejects. `popup` is the window that was opened in the click; if it
   * is null, this page navigates to the consent page.
   */
  connect(provider: ProviderId, options: ConnectOptions, popup: Popup | null): Promise<ConnectResult> {
    const before = this.#current;
    this.#abandon();
    const { accountId, signal } = options;
    return new Promise((resolve) => {
      const run = createRun({ provider, options, popup, resolve });
      this.#current = run;
      if (before) this.#closeWindow(before);
      this.#dispatch({ type: 'start', provider, accountId });
      if (signal?.aborted) return this.cancel();
      signal?.addEventListener('abort', () => this.#current === run && this.cancel(), { once: true });
      this.#start(run).catch((thrown) => {
        this.#closeWindow(run);
        if (this.#current === run) this.#dispatch({ type: 'failed', provider, error: asError(thrown) });
      });
    });
  }

  /** Cancels the current flow and closes its window. */
  cancel(): void {
    this.#current?.popup?.close();
    this.#abandon();
  }

  /** Reads the state of the flow now, if it is the current one. */
  wake(flowId: string): void {
    const state = this.#deps.state();
    if ('flowId' in state && state.flowId === flowId) this.#current?.wake();
  }

  /** Resets a flow that has ended to `idle`. */
  dismiss(): void {
    this.#dispatch({ type: 'dismiss' });
  }

  /**
   * Called when the user returns to this page. Cancels a flow that was navigating away: the navigation failed, or the page
   * was restored from the back/forward cache.
   */
  onRestored(): void {
    if (this.#deps.state().step === 'redirecting') this.#dispatch({ type: 'cancel' });
  }

  /** Opens the window of the current flow again, or focuses it. Must be called in a click handler. */
  reopen(): void {
    const state = this.#deps.state();
    const run = this.#current;
    if (!run?.started || !(state.step === 'waiting' || state.step === 'unsure')) return;
    if (run.popup && !run.popup.closed) return run.popup.focus();
    run.popup = this.#deps.page.openPopup();
    if (!run.popup) return this.#deps.browser.leave(run.started.authUrl);
    run.popup.go(run.started.authUrl);
    this.#dispatch({ type: 'reopened', flowId: state.flowId });
  }

  /** Finishes a flow in step `choose` with the selected accounts. */
  chooseAccounts(accountIds: readonly string[]): Promise<void> {
    const { api, records } = this.#deps;
    return this.#submit(async (flowId, provider) => {
      const record = records.read(flowId);
      if (!record) return { status: 'failed', provider, flowId, code: 'INVALID_STATE' };
      return completeFlow(api, records, flowId, record, accountIds);
    });
  }

  /** Finishes a flow in step `credentials`. If the flow has expired in the meantime, starts another one with them. */
  submitCredentials(values: Record<string, string>): Promise<void> {
    const { api } = this.#deps;
    return this.#submit(async (flowId, provider, run) => {
      const { integrations } = await api.credentials(flowId, values).catch(async (thrown) => {
        if (!run || !ENDED_CODES.has(asError(thrown).code)) throw thrown;
        return api.credentials((await this.#requestFlow(run)).started.flowId, values);
      });
      const accountIds = integrations.map((one) => one.providerAccountId);
      return { status: 'connected', provider, flowId, accountIds };
    });
  }

  /** Settles a flow that was started before this page was loaded; `find` returns its outcome, if there is one. */
  async resume(find: () => Promise<Outcome | null>): Promise<void> {
    const outcome = await find();
    if (outcome) await this.#settle(outcome, undefined);
  }

  /** Stops reading the state of the current flow. */
  suspend(): void {
    this.#current?.stop();
  }

  /** Reads the state of the current flow again after `suspend`. */
  watch(): void {
    if (this.#current) this.#watch(this.#current);
  }

  /** Applies the outcome of `run`, or of a flow that this page did not start. */
  async #settle(outcome: Outcome, run: FlowRun | undefined): Promise<void> {
    const { records, accounts } = this.#deps;
    const isSuperseded = () => this.#current !== run;
    const { provider, flowId, status } = outcome;
    // The consent may return to the window after this; the cancelled record marks the flow as started by this browser.
    if (flowId && status !== 'choose') records.cancel(flowId);
    // Reads the list even if another flow was started in the meantime, so that it shows the new account.
    const integrations = status === 'connected' ? await accounts(provider, outcome.accountIds) : [];
    if (isSuperseded()) return;
    if (status === 'cancelled') return this.#dispatch({ type: 'cancel' });
    if (status === 'choose')
      return this.#dispatch({ type: 'choose', provider, flowId, accounts: outcome.accounts });
    if (status === 'failed') {
      const { code, message, accountId, accounts, correlationId, retryAfter } = outcome;
      const error = new EvergrantError(code, message, { accounts, correlationId, retryAfter });
      return this.#dispatch({ type: 'failed', flowId, provider, accountId, error });
    }
    // The URL is untrusted. Without a flow of this browser, a connection counts only if the server lists it.
    if (!flowId && integrations.length === 0) return;
    this.#dispatch({ type: 'connected', flowId, provider, integrations });
  }

  #dispatch(input: FlowInput): void {
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

  /** Closes the run's window, unless a newer flow uses it: all flows share one window. */
  #closeWindow(run: FlowRun): void {
    if (this.#current === run || !this.#current?.popup) run.popup?.close();
  }

  /** Cancels the current flow without closing its window, which the next flow may use. */
  #abandon(): void {
    const state = this.#deps.state();
    if ('flowId' in state && state.flowId && isOpen(state)) this.#deps.records.cancel(state.flowId);
    this.#dispatch({ type: 'cancel' });
  }

  async #start(run: FlowRun): Promise<void> {
    const { provider } = run;
    const entry = await this.#deps.provider(provider);
    if (this.#current !== run) return;
    const pasted = entry?.kind === 'cookies';
    if (pasted) run.popup?.close();
    const { started, verifier } = await this.#requestFlow(run);
    // The flow was cancelled or superseded in the meantime.
    if (this.#current !== run) return;
    const { flowId } = started;
    if (pasted) return this.#dispatch({ type: 'fields', flowId, fields: entry.fields ?? [] });
    this.#storeRecord(run, flowId, verifier);
    this.#openConsentPage(run, started);
  }

  #storeRecord({ provider, popup, options }: FlowRun, flowId: string, verifier: string): void {
    const { accountId } = options;
    const mode = popup ? 'popup' : 'redirect';
    const returnTo = this.#deps.page.address();
    this.#deps.records.create(flowId, { provider, mode, accountId, returnTo, verifier });
  }

  #openConsentPage(run: FlowRun, started: StartedFlow): void {
    const { flowId, authUrl } = started;
    const address = webAddress(authUrl);
    if (run.popup) {
      run.started = started;
      run.popup.go(address);
      this.#dispatch({ type: 'started', step: 'waiting', flowId });
      return this.#watch(run);
    }
    this.#dispatch({ type: 'started', step: 'redirecting', flowId });
    run.resolve({ status: 'redirecting' });
    this.#deps.browser.leave(address);
  }

  async #requestFlow(run: FlowRun): Promise<{ started: StartedFlow; verifier: string }> {
    const { api, browser, redirectUrl } = this.#deps;
    if (!browser.isSecure()) throw new EvergrantError('INSECURE_CONTEXT', 'https is required');
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

  #watch(run: FlowRun): void {
    if (!this.#deps.isPaused()) watchRun(run, this.#deps, (flowId, flow) => this.#onState(run, flowId, flow));
  }

  /** Handles the state that the server reports for a flow in a window. */
  async #onState(run: FlowRun, flowId: string, flow: ServerFlow): Promise<void> {
    const { api, browser, records } = this.#deps;
    const { provider, popup } = run;
    const state = this.#deps.state();
    // The response to the pending request lists all accounts; a flow's state names only one of them.
    if ('busy' in state && state.busy) return;
    const record = records.read(flowId);
    // The page in the window is about to store the receipt, which tells more about the failure.
    if (isConcealed(flow) && record && !record.receipt && ++run.unfinished <= MAX_UNFINISHED_READS) return;
    const outcome = await outcomeOf(api, flow, flowId, record ?? { provider }).catch(() => null);
    // Without a receipt, the consent returned to another browser; this one must not finish the flow.
    if (outcome && (flow.status !== 'choose' || record?.receipt)) return this.#settle(outcome, run);
    // The page in the window finishes the flow. If it was closed too early, this page does.
    if (
      record?.receipt &&
      flow.status === 'pending' &&
      popup?.closed &&
      ++run.unfinished > MAX_UNFINISHED_READS
    ) {
      return this.#settle(await completeFlow(api, records, flowId, record), run);
    }
    if (popup?.closed && browser.hasFocus()) this.#dispatch({ type: 'closed', flowId });
  }

  /** Runs the submission of a dialog. A thrown failure keeps the dialog open and is shown in it. */
  async #submit(
    work: (flowId: string, provider: ProviderId, run: FlowRun | undefined) => Promise<Outcome>,
  ): Promise<void> {
    const state = this.#deps.state();
    if (!(state.step === 'choose' || state.step === 'credentials') || state.busy) return;
    const { flowId, provider } = state;
    const run = this.#current;
    this.#dispatch({ type: 'busy', flowId });
    try {
      await this.#settle(await work(flowId, provider, run), run);
    } catch (thrown) {
      this.#dispatch({ type: 'rejected', flowId, error: asError(thrown) });
    }
  }
}
