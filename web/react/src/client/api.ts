/** The routes that change something, and those of a flow; one function each. Loaded apart. */
import type { Send } from './http.js';
import type { Disconnected, Integration, Refreshed, ServerFlow, StartedFlow } from './types.js';

export interface ConnectBody {
  redirectUrl: string;
  challenge: string;
  scopes: readonly string[] | undefined;
  accountId: string | undefined;
}

export interface FinishBody {
  verifier: string;
  receipt: string;
  accountIds: readonly string[] | undefined;
}

interface Made {
  integrations: Integration[];
}

export type Api = ReturnType<typeof createApi>;

export function createApi(send: Send) {
  const path = (...parts: string[]) => parts.map(encodeURIComponent).join('/');
  const post = async <T>(at: string, body?: unknown) =>
    (await (await send(at, { method: 'POST', body })).json()) as T;

  return {
    connect: (provider: string, body: ConnectBody) => post<StartedFlow>(path('connect', provider), body),
    flow: async (flowId: string) => (await (await send(path('flows', flowId))).json()) as ServerFlow,
    finish: (flowId: string, body: FinishBody) => post<Made>(path('flows', flowId, 'finish'), body),
    credentials: (flowId: string, values: Record<string, string>) =>
      post<Made>(path('flows', flowId, 'credentials'), { values }),
    async disconnect(provider: string, accountId: string, deleteData: boolean) {
      const query = deleteData ? '?deleteData=true' : '';
      const response = await send(path('disconnect', provider, accountId) + query, { method: 'DELETE' });
      return (await response.json()) as Disconnected;
    },
    refresh: (provider: string, accountId: string) => post<Refreshed>(path('refresh', provider, accountId)),
  };
}
