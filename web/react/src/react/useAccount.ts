import type { Integration, ProviderId } from '../client/types.js';
import { useSnapshot } from './useSnapshot.js';

/** One connected account; undefined while it is not connected. */
export function useAccount(provider: ProviderId, accountId: string): Integration | undefined {
  return useSnapshot(({ integrations }) =>
    integrations.find((one) => one.provider === provider && one.providerAccountId === accountId),
  );
}
