/** The routes that a browser may call, one function each. */
import type { Send } from './http.js';
import type {
  Disconnected,
  Integration,
  Provider,
  Refreshed,
  ServerFlow,
  StartedFlow,
  StatusSnapshot,
} from './types.js';

export interface ConnectBody {
  redirectUrl: string;
  challenge: string;
  scopes?: readonly string[];
  accountId?: string;
}

export interface FinishBody {
  verifier: string;
  receipt: string;
  accountIds?: readonly string[];
}

interface Made {
  integrations: Integration[];
}

export type Api = ReturnType<typeof createApi>;

export function createApi(send: Send) {
  const path = (...parts: string[]) => parts.map(encodeURIComponent).join('/');
  const get = async <T>(at: string) => (await (await send(at)).json()) as T;
  const post = async <T>(at: string, body?: unknown) =>
    (await (await send(at, { method: 'POST', body })).json()) as T;
  let etag: string | null = null;

  return {
    /** Null where nothing changed since the last answer. */
    async status(): Promise<StatusSnapshot | null> {
      const response = await send('status', etag ? { headers: { 'if-none-match': etag } } : {});
      if (response.status === 304) return null;
      const status = (await response.json()) as StatusSnapshot;
      etag = response.headers.get('etag');
      return status;
    },
    providers: async () => (await get<{ providers: Provider[] }>('providers')).providers,
    connect: (provider: string, body: ConnectBody) => post<StartedFlow>(path('connect', provider), body),
    flow: (flowId: string) => get<ServerFlow>(path('flows', flowId)),
    finish: (flowId: string, body: FinishBody) => post<Made>(path('flows', flowId, 'finish'), body),
    credentials: (flowId: string, values: Record<string, string>) =>
      post<Made>(path('flows', flowId, 'credentials'), { values }),
    async disconnect(provider: string, accountId: string, deleteData: boolean) {
      const query = deleteData ? '?deleteData=true' : '';
      const response = await send(path('disconnect', provider, accountId) + query, { method: 'DELETE' });
      return (await response.json()) as Disconnected;
    },
    refresh: (provider: string, accountId: string) => post<Refreshed>(path('refresh', provider, accountId)),
    /** An open stream of server-sent events, from the version that is known. */
    events: (lastVersion: number | null, signal: AbortSignal) =>
      send('events', {
        signal,
        headers: {
          accept: 'text/event-stream',
          ...(lastVersion === null ? {} : { 'last-event-id': String(lastVersion) }),
        },
      }),
  };
}
