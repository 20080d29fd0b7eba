import type { Integration, ProviderId } from '../client/types.js';
import { useSnapshot } from './useSnapshot.js';

/**
 * Returns a connected account; undefined while it is not connected. Renders again only when that account changes.
 *
 * @param accountId - the account's `providerAccountId`
 */
export function useAccount(provider: ProviderId, accountId: string): Integration | undefined {
  return useSnapshot(({ integrations }) =>
    integrations.find((one) => one.provider === provider && one.providerAccountId === accountId),
  );
}
