import { useState } from 'react';
import type { ProviderIntegrations } from '../client/types.js';

/**
 * Sorts platforms: accounts that need attention first, then connected ones, then the rest. A platform keeps the position
 * it had when it was first seen, so that cards do not move while the user points at them.
 */
export function useFixedOrder(providers: readonly ProviderIntegrations[]): readonly ProviderIntegrations[] {
  const [order, setOrder] = useState<readonly string[]>(() => sorted(providers));
  const added = providers.filter(({ provider }) => !order.includes(provider));
  const known = added.length > 0 ? [...order, ...sorted(added)] : order;
  if (known !== order) setOrder(known);
  return known.flatMap((slug) => providers.filter(({ provider }) => provider === slug));
}

function sorted(providers: readonly ProviderIntegrations[]): readonly string[] {
  const ranked = providers.map((one) => ({ slug: one.provider, rank: rankOf(one) }));
  ranked.sort((one, other) => one.rank - other.rank);
  return ranked.map(({ slug }) => slug);
}

function rankOf({ integrations }: ProviderIntegrations): number {
  if (integrations.length === 0) return 2;
  return integrations.some(({ status }) => status !== 'connected') ? 0 : 1;
}
