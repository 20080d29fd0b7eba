/** The two routes that the list of integrations is read from. */
import type { Send } from './http.js';
import type { Provider, StatusSnapshot } from './types.js';

/** Reads the status. `status` is null if it has not changed since the response with the entity tag `known`. */
export async function readStatus(send: Send, known: string | null) {
  const response = await send('status', known ? { headers: { 'if-none-match': known } } : {});
  if (response.status === 304) return { status: null, etag: known };
  return { status: (await response.json()) as StatusSnapshot, etag: response.headers.get('etag') };
}

/** Reads the catalogue of platforms. */
export async function readProviders(send: Send): Promise<Provider[]> {
  const { providers } = (await (await send('providers')).json()) as { providers: Provider[] };
  return providers;
}
