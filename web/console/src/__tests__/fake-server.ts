/** The server's side, in memory: what a `fetch` of the console meets. */
import { sampleIntegration, sampleProviders } from '@evergrant/react/testing';
import { vi } from 'vitest';
import type { Session } from '../session/session.js';

const PEOPLE = [
  { id: 7, name: 'Demo creator' },
  { id: 8, name: 'New user' },
];

export interface Sent {
  method: string;
  path: string;
  body: unknown;
  csrf: string | null;
}

export class FakeServer {
  /** Who is signed in; null for nobody. */
  userId: number | null = 7;
  /** As in `dev`. */
  dev = true;
  /** Statuses to answer instead, by `METHOD path`. */
  refusals = new Map<string, number>();
  readonly sent: Sent[] = [];
  /** What the next answer waits for on its way back, by `METHOD path`. */
  readonly #delays = new Map<string, Promise<void>>();

  constructor() {
    vi.stubGlobal('fetch', (input: string, init: RequestInit = {}) => this.#fetch(input, init));
  }

  calls(method: string, path: string): Sent[] {
    return this.sent.filter((one) => one.method === method && one.path === path);
  }

  /** The next answer to this is late: it arrives when what is returned here is called. */
  delay(method: string, path: string): () => void {
    let arrive = () => {};
    this.#delays.set(`${method} ${path}`, new Promise((resolve) => (arrive = resolve)));
    return arrive;
  }

  async #fetch(input: string, init: RequestInit): Promise<Response> {
    const { pathname: path } = new URL(input, location.href);
    const { method = 'GET' } = init;
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.sent.push({ method, path, body, csrf: new Headers(init.headers).get('x-csrf-token') });
    const answer = this.#answer(method, path, body);
    const delay = this.#delays.get(`${method} ${path}`);
    this.#delays.delete(`${method} ${path}`);
    await delay;
    return answer;
  }

  #answer(method: string, path: string, body: { userId: number } | undefined): Response {
    const status = this.refusals.get(`${method} ${path}`) ?? (this.userId === null ? 401 : 200);
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
    const user = PEOPLE.find(({ id }) => id === this.userId) ?? { id: 9, name: null };
    const session: Session = {
      user: { ...user, email: null },
      csrfToken: `csrf-${user.id}`,
      expiresAt: '2030-01-01T12:00:00.000Z',
      version: '0.1.0',
      ...(this.dev && { dev: true, people: PEOPLE }),
    };
    return Response.json(session);
  }

  #api(path: string): Response {
    const integrations = this.userId === 7 ? [sampleIntegration({ id: 1, displayName: 'Juniper Vale' })] : [];
    if (path.endsWith('/status')) return Response.json({ version: 1, integrations });
    if (path.endsWith('/providers')) return Response.json({ providers: sampleProviders });
    // A server without events.
    return Response.json({ code: 'NOT_FOUND' }, { status: 404 });
  }
}
