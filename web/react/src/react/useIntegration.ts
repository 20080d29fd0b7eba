import type { ProviderId, ProviderIntegrations } from '../client/types.js';
import { useSnapshot } from './useSnapshot.js';

/**
 * Returns a platform with its connected accounts; undefined if the catalogue does not list it. Renders again only when
 * that platform changes.
 */
export function useIntegration(provider: ProviderId): ProviderIntegrations | undefined {
  return useSnapshot(({ providers }) => providers.find((one) => one.provider === provider));
}
