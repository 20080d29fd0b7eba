import type { ProviderId, ProviderIntegrations } from '../client/types.js';
import { useSnapshot } from './useSnapshot.js';

/** One platform with its accounts; renders again for changes of that one alone. */
export function useIntegration(provider: ProviderId): ProviderIntegrations | undefined {
  return useSnapshot(({ providers }) => providers.find((one) => one.provider === provider));
}
