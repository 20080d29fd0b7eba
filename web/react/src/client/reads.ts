/** The two routes that a list needs. */
import type { Send } from './http.js';
import type { Provider, StatusSnapshot } from './types.js';

/** `status` is null where nothing changed since the answer that `known` is the tag of. */
export async function readStatus(send: Send, known: string | null) {
  const response = await send('status', known ? { headers: { 'if-none-match': known } } : {});
  if (response.status === 304) return { status: null, etag: known };
  return { status: (await response.json()) as StatusSnapshot, etag: response.headers.get('etag') };
}

export async function readProviders(send: Send): Promise<Provider[]> {
  const { providers } = (await (await send('providers')).json()) as { providers: Provider[] };
  return providers;
}
