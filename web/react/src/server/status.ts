import type { InitialStatus } from '../client/snapshot.js';
import type { Provider, StatusSnapshot } from '../client/types.js';
import { ask, type ServerOptions, type User, userHeader } from './session.js';

/** What a server component reads, so that the page arrives with its accounts: give it to `initialStatus`. */
export async function fetchStatus(options: ServerOptions & User): Promise<InitialStatus> {
  const headers = { 'evergrant-user': userHeader(options) };
  const [status, catalogue] = await Promise.all([
    ask(options, '/api/integrations/status', { headers }),
    ask(options, '/api/integrations/providers', { headers }),
  ]);
  const { version, integrations } = (await status.json()) as StatusSnapshot;
  const { providers } = (await catalogue.json()) as { providers: Provider[] };
  return { version, integrations, providers };
}
