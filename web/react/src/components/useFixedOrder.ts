import { useState } from 'react';
import type { ProviderIntegrations } from '../client/types.js';

/**
 * Those that need their owner first, then those that are connected, then the rest, as it was when they were first seen:
 * nothing jumps away under a finger.
 */
export function useFixedOrder(providers: readonly ProviderIntegrations[]): readonly ProviderIntegrations[] {
  const [order, setOrder] = useState<readonly string[]>(() => sorted(providers));
  const unseen = providers.filter(({ provider }) => !order.includes(provider));
  const known = unseen.length > 0 ? [...order, ...sorted(unseen)] : order;
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
