/** In-memory server that implements the API contract behind `fetch`. */
import { createHash } from 'node:crypto';
import type { Integration, Provider, ServerFlow } from '../types.js';
import { sampleIntegration, sampleProviders } from '../../testing/samples.js';

interface Flow {
  id: string;
  provider: string;
  challenge: string;
  redirectUrl: string;
  receipt: string;
  state: ServerFlow;
  reached: string[];
  /** The problem document for the browser that consented, once the flow has failed. */
  failure?: Record<string, unknown>;
}

/** A request that the server received. */
export interface LoggedRequest {
  method: string;
  path: string;
  body: unknown;
  headers: Headers;
}

/** Flows, accounts and event streams of one user. */
export class FakeServer {
  version = 1;
  integrations: Integration[] = [];
  providers: readonly Provider[] = sampleProviders;
  flows = new Map<string, Flow>();
  log: LoggedRequest[] = [];
  /** Ids of the flows that connected accounts, one entry each time. */
  connectedFlows: string[] = [];
  /** Responds instead of the server, unless it returns null. */
  intercept: (request: LoggedRequest) => Response | Promise<Response> | null = () => null;
  #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #next = 1;

  fetch: typeof fetch = async (input, init = {}) => {
    const path = String(input).replace(/^.*\/api\/integrations\//, '');
    const headers = new Headers(init.headers);
    const body = init.body ? JSON.parse(String(init.body)) : undefined;
    const request = { method: init.method ?? 'GET', path, body, headers };
    this.log.push(request);
    if (init.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    return (await this.intercept(request)) ?? this.#respond(request, init.signal ?? undefined);
  };

  /** Returns the requests whose method and path start with `start`, such as `GET flows`. */
  calls(start: string): LoggedRequest[] {
    return this.log.filter(({ method, path }) => `${method} ${path}`.startsWith(start));
  }

  /**
   * The user allows access on the consent page. Returns the URL that the browser is redirected
   * to.
   */
  consent(flowId: string, accounts: string[] = ['sim9z']): string {
    const flow = this.#flow(flowId);
    if (flow.state.status === 'waiting') {
      flow.reached = accounts;
      flow.state = { status: accounts.length > 1 ? 'choose' : 'pending' };
    }
    return returnAddress(flow, { status: 'pending', flowId: flow.id, receipt: flow.receipt });
  }

  /** The user denies access. Returns the URL that the browser is redirected to. */
  deny(flowId: string): string {
    return this.fail(flowId, 'OAUTH_DENIED');
  }

  /**
   * The flow fails. Returns the URL that the browser is redirected to. `concealed` is what only the browser that consented
   * may know.
   */
  fail(flowId: string, code: string, concealed?: Record<string, unknown>): string {
    const flow = this.#flow(flowId);
    const reference = { code, correlationId: `of-${flowId}` };
    flow.state = { status: 'error', ...reference, detail: 'What the server says.', retryAfterSeconds: 30 };
    flow.failure = { ...reference, correlationId: 'of-request', ...concealed };
    return returnAddress(flow, {
      status: 'error',
      ...reference,
      flowId,
      receipt: flow.receipt,
      retryAfterSeconds: '30',
    });
  }

  /** Changes an account and publishes the event to all streams. */
  change(event: string, integration: Integration): void {
    this.integrations = [
      ...this.integrations.filter((one) => one.providerAccountId !== integration.providerAccountId),
      ...(event === 'disconnected' ? [] : [integration]),
    ];
    const { provider, providerAccountId: accountId } = integration;
    const payload = event === 'disconnected' ? {} : { integration };
    this.send(event, { version: ++this.version, provider, accountId, ...payload });
  }

  /** Publishes an event to all streams. */
  send(event: string, data: { version: number } & Record<string, unknown>): void {
    this.write(`id: ${data.version}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Writes raw text to all streams. */
  write(text: string): void {
    for (const stream of this.#streams) stream.enqueue(new TextEncoder().encode(text));
  }

  /** Number of open streams. */
  get listeners(): number {
    return this.#streams.size;
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  #flow(id: string): Flow {
    const flow = this.flows.get(id);
    if (!flow) throw new Error(`unknown flow ${id}`);
    return flow;
  }

  #respond({ method, path, body, headers }: LoggedRequest, signal?: AbortSignal): Response {
    const [route = '', id = '', verb = ''] = path.split(/[/?]/).map(decodeURIComponent);
    if (route === 'status') return this.#status(headers);
    if (route === 'providers') return Response.json({ providers: this.providers });
    if (route === 'events') return this.#events(signal);
    if (route === 'connect') return this.#connect(id, body as Record<string, string>);
    if (route === 'flows' && method === 'GET') return this.#show(id);
    if (route === 'flows' && verb === 'finish') return this.#finish(id, body as Record<string, string>);
    if (route === 'flows' && verb === 'accounts') return this.#accounts(id, body as Record<string, string>);
    if (route === 'flows') return this.#credentials(id);
    if (route === 'disconnect') return this.#disconnect(id, verb);
    if (route === 'refresh') return Response.json({ success: true, expiresAt: null });
    return problem(404, 'NOT_FOUND');
  }

  #status(headers: Headers): Response {
    const etag = `"${this.version}"`;
    if (headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
    return Response.json({ version: this.version, integrations: this.integrations }, { headers: { etag } });
  }

  #events(signal?: AbortSignal): Response {
    let stream: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
        this.#streams.add(controller);
        const ready = `id: ${this.version}\nevent: ready\ndata: {"version":${this.version}}\n\n`;
        controller.enqueue(new TextEncoder().encode(ready));
      },
      cancel: () => void this.#streams.delete(stream),
    });
    signal?.addEventListener('abort', () => {
      if (this.#streams.delete(stream)) stream.error(signal.reason);
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }

  #connect(provider: string, body: Record<string, string>): Response {
    const id = `flow${this.#next++}`;
    const { challenge = '', redirectUrl = '' } = body;
    const state: ServerFlow = { status: 'waiting' };
    this.flows.set(id, {
      id,
      provider,
      challenge,
      redirectUrl,
      receipt: `receipt-${id}`,
      state,
      reached: [],
    });
    const expiresAt = new Date(Date.now() + 600_000).toISOString();
    return Response.json({
      authUrl: `https://${provider}.example/consent?${id}`,
      state: id,
      flowId: id,
      expiresAt,
    });
  }

  #show(id: string): Response {
    const flow = this.flows.get(id);
    return flow ? Response.json(flow.state) : problem(404, 'FLOW_NOT_FOUND');
  }

  #finish(
    id: string,
    body: { verifier?: string; receipt?: string; accountIds?: string[] | string },
  ): Response {
    const flow = this.flows.get(id);
    if (!flow) return problem(404, 'FLOW_NOT_FOUND');
    const isWaiting = flow.state.status === 'pending' || flow.state.status === 'choose';
    if (!isProven(flow, body)) return problem(400, 'INVALID_STATE');
    if (flow.failure) return problem(409, String(flow.failure['code']), flow.failure);
    if (!isWaiting) return problem(400, 'INVALID_STATE');
    return this.#connected(flow, (body.accountIds as string[] | undefined) ?? flow.reached);
  }

  #accounts(id: string, body: { verifier?: string; receipt?: string }): Response {
    const flow = this.flows.get(id);
    if (!flow || flow.state.status !== 'choose' || !isProven(flow, body))
      return problem(400, 'INVALID_STATE');
    const accounts = flow.reached.map((one) => ({ providerAccountId: one, displayName: one }));
    return Response.json({ accounts });
  }

  #credentials(id: string): Response {
    const flow = this.flows.get(id);
    if (flow?.state.status !== 'waiting') return problem(400, 'INVALID_STATE');
    return this.#connected(flow, ['900001']);
  }

  #connected(flow: Flow, ids: string[]): Response {
    const integrations = ids.map((id) =>
      sampleIntegration({
        id: this.#next++,
        provider: flow.provider,
        providerAccountId: id,
        displayName: id,
      }),
    );
    this.connectedFlows.push(flow.id);
    flow.state = { status: 'connected', accountId: ids[0] ?? null };
    for (const one of integrations) this.change('connected', one);
    return Response.json({ integrations });
  }

  #disconnect(provider: string, id: string): Response {
    this.integrations = this.integrations.filter(
      (one) => one.provider !== provider || one.providerAccountId !== id,
    );
    this.version++;
    return Response.json({ success: true, revocation: 'revoked', message: 'Disconnected.' });
  }
}

function isProven(flow: Flow, { verifier = '', receipt }: { verifier?: string; receipt?: string }): boolean {
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return challenge === flow.challenge && receipt === flow.receipt;
}

/** Returns an error response with a problem document. */
export function problem(status: number, code: string, more: Record<string, unknown> = {}): Response {
  const retryable = status >= 500 || status === 429;
  return Response.json({ code, status, retryable, correlationId: 'c1', ...more }, { status });
}

function returnAddress(flow: Flow, parameters: Record<string, string>): string {
  const url = new URL(flow.redirectUrl);
  for (const [name, value] of Object.entries({ integration: flow.provider, ...parameters })) {
    url.searchParams.append(name, value);
  }
  return url.href;
}
