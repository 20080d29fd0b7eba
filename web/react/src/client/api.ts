/** The routes for flows and for changes to accounts. Loaded on demand, after the list. */
import type { Send } from './http.js';
import type { Choice, Disconnected, Integration, Refreshed, ServerFlow, StartedFlow } from './types.js';

/** The body of `POST connect/{provider}`. */
export interface ConnectBody {
  /** The page that the platform's consent returns to; must be on the operator's list. */
  redirectUrl: string;
  /** The S256 challenge of the verifier that stays in this browser (RFC 7636). */
  challenge: string;
  /** The scopes to request; undefined for all that the catalogue lists. */
  scopes: readonly string[] | undefined;
  /** The account to reconnect; undefined for a new connection. */
  accountId: string | undefined;
}

/** The proofs that this browser started the flow and consented. */
export interface Proofs {
  /** The verifier whose challenge started the flow. */
  verifier: string;
  /** The one-time receipt that the server added to the return URL. */
  receipt: string;
}

/** The body of `POST flows/{flowId}/finish`. */
export interface FinishBody extends Proofs {
  /** The accounts to connect, if the consent covers several; undefined for all. */
  accountIds: readonly string[] | undefined;
}

interface FinishResponse {
  integrations: Integration[];
}

/** The routes, one function each. */
export type Api = ReturnType<typeof createApi>;

/** Creates the routes on `send`. Each function rejects with an `EvergrantError` if the server refuses the request. */
export function createApi(send: Send) {
  const path = (...parts: string[]) => parts.map(encodeURIComponent).join('/');
  const post = async <T>(route: string, body?: unknown) =>
    (await (await send(route, { method: 'POST', body })).json()) as T;

  return {
    connect: (provider: string, body: ConnectBody) => post<StartedFlow>(path('connect', provider), body),
    flow: async (flowId: string) => (await (await send(path('flows', flowId))).json()) as ServerFlow,
    accounts: (flowId: string, { verifier, receipt }: Proofs) =>
      post<{ accounts: Choice[] }>(path('flows', flowId, 'accounts'), { verifier, receipt }),
    finish: (flowId: string, body: FinishBody) => post<FinishResponse>(path('flows', flowId, 'finish'), body),
    credentials: (flowId: string, values: Record<string, string>) =>
      post<FinishResponse>(path('flows', flowId, 'credentials'), { values }),
    async disconnect(provider: string, accountId: string, deleteData: boolean) {
      const query = deleteData ? '?deleteData=true' : '';
      const response = await send(path('disconnect', provider, accountId) + query, { method: 'DELETE' });
      return (await response.json()) as Disconnected;
    },
    refresh: (provider: string, accountId: string) => post<Refreshed>(path('refresh', provider, accountId)),
  };
}
