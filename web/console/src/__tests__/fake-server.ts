/** In-memory server behind `fetch`: the session route and the API calls that the page makes. */
import { sampleIntegration, sampleProviders } from '@evergrant/react/testing';
import { vi } from 'vitest';
import type { Session } from '../session/session.js';

const USERS = [
  { id: 7, name: 'Demo creator' },
  { id: 8, name: 'New user' },
];

/** A request that the console sent. */
export interface SentRequest {
  method: string;
  path: string;
  body: unknown;
  /** Value of `X-CSRF-Token`. */
  csrf: string | null;
}

/** Replaces the global `fetch` for one test. */
export class FakeServer {
  /** Id of the signed-in user; null without a session. */
  userId: number | null = 7;
  /** Whether to behave as `evergrant dev`. */
  dev = true;
  /** Where the session leads back to. */
  returnUrl: string | null = null;
  /** Error statuses to respond with, by `METHOD path`. */
  errors = new Map<string, number>();
  readonly sent: SentRequest[] = [];
  /** Holds back the next response, by `METHOD path`. */
  readonly #delays = new Map<string, Promise<void>>();

  constructor() {
    vi.stubGlobal('fetch', (input: string, init: RequestInit = {}) => this.#fetch(input, init));
  }

  /** Returns the requests sent to `path` with `method`. */
  calls(method: string, path: string): SentRequest[] {
    return this.sent.filter((one) => one.method === method && one.path === path);
  }

  /** Holds back the next response to this request. Returns a function that releases it. */
  delay(method: string, path: string): () => void {
    let release = () => {};
    this.#delays.set(`${method} ${path}`, new Promise((resolve) => (release = resolve)));
    return release;
  }

  async #fetch(input: string, init: RequestInit): Promise<Response> {
    const { pathname: path } = new URL(input, location.href);
    const { method = 'GET' } = init;
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.sent.push({ method, path, body, csrf: new Headers(init.headers).get('x-csrf-token') });
    const response = this.#respond(method, path, body);
    const delay = this.#delays.get(`${method} ${path}`);
    this.#delays.delete(`${method} ${path}`);
    await delay;
    return response;
  }

  #respond(method: string, path: string, body: { userId: number } | undefined): Response {
    const status = this.errors.get(`${method} ${path}`) ?? (this.userId === null ? 401 : 200);
    if (status >= 400)
      return Response.json({ code: status === 401 ? 'UNAUTHENTICATED' : 'INTERNAL_ERROR' }, { status });
    return path === '/console/session' ? this.#session(method, body) : this.#api(path);
  }

  #session(method: string, body: { userId: number } | undefined): Response {
    if (method === 'DELETE') {
      this.userId = null;
      return new Response(null, { status: 204 });
    }
    this.userId = body?.userId ?? this.userId;
    const user = USERS.find(({ id }) => id === this.userId) ?? { id: 9, name: null };
    const session: Session = {
      user: { ...user, email: null },
      csrfToken: `csrf-${user.id}`,
      expiresAt: '2030-01-01T12:00:00.000Z',
      version: '0.1.0',
      returnUrl: this.returnUrl,
      ...(this.dev && { dev: true, people: USERS }),
    };
    return Response.json(session);
  }

  #api(path: string): Response {
    const integrations = this.userId === 7 ? [sampleIntegration({ id: 1, displayName: 'Juniper Vale' })] : [];
    if (path.endsWith('/status')) return Response.json({ version: 1, integrations });
    if (path.endsWith('/providers')) return Response.json({ providers: sampleProviders });
    // Server-sent events are not available.
    return Response.json({ code: 'NOT_FOUND' }, { status: 404 });
  }
}
