import type { InitialStatus } from '../client/snapshot.js';
import type { Provider, StatusSnapshot } from '../client/types.js';
import { request, type ServerOptions, type User, userHeader } from './session.js';

/**
 * Reads the user's status and the catalogue, so that a server can render the page with its accounts. Pass the result to
 * `EvergrantProvider` as `initialStatus`.
 *
 * @throws EvergrantError with the server's code, such as `USER_NOT_FOUND` for a user that Evergrant does not know.
 */
export async function fetchStatus(options: ServerOptions & User): Promise<InitialStatus> {
  const headers = { 'evergrant-user': userHeader(options) };
  const [status, catalogue] = await Promise.all([
    request(options, '/api/integrations/status', { headers }),
    request(options, '/api/integrations/providers', { headers }),
  ]);
  const { version, integrations } = (await status.json()) as StatusSnapshot;
  const { providers } = (await catalogue.json()) as { providers: Provider[] };
  return { version, integrations, providers };
}
