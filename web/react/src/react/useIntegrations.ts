import { useMemo } from 'react';
import type { EvergrantClient } from '../client/client-types.js';
import type { Snapshot } from '../client/snapshot.js';
import type { ProviderId } from '../client/types.js';
import { useEvergrantClient } from './context.js';
import { useSnapshot } from './useSnapshot.js';

type Actions = Omit<EvergrantClient, 'getSnapshot' | 'getServerSnapshot' | 'subscribe' | 'on' | 'start'>;

/** The result of `useIntegrations`: the client's state and actions. */
export interface UseIntegrations extends Omit<Snapshot, 'version' | 'busy'>, Actions {
  /**
   * Returns whether an action on this account is in progress or, without `accountId`, whether an account of the platform
   * is being connected.
   */
  isBusy(provider: ProviderId, accountId?: string): boolean;
}

const all = (snapshot: Snapshot) => snapshot;

/** The options of `useIntegrations`. */
export interface UseIntegrationsOptions {
  /** Restricts `integrations` and `providers` to these platforms. */
  only?: readonly ProviderId[];
}

/**
 * Returns the signed-in user's connected accounts, the platforms that can be connected, and the actions on them.
 *
 * No action rejects, so each can be used as an event handler. Call `connect` and `reconnect` directly in a click handler,
 * because they open a window.
 */
export function useIntegrations({ only }: UseIntegrationsOptions = {}): UseIntegrations {
  const client = useEvergrantClient();
  const { version: _version, busy, ...known } = useSnapshot(all);
  const filter = only?.join();
  const lists = useMemo(() => {
    const isIncluded = ({ provider }: { provider: string }) =>
      filter === undefined || filter.split(',').includes(provider);
    return {
      integrations: known.integrations.filter(isIncluded),
      providers: known.providers.filter(isIncluded),
    };
  }, [known.integrations, known.providers, filter]);
  const { flow } = known;

  function isBusy(provider: ProviderId, accountId?: string): boolean {
    if (accountId !== undefined && busy.includes(`${provider}/${accountId}`)) return true;
    const hasEnded = flow.step === 'idle' || flow.step === 'connected' || flow.step === 'failed';
    return !hasEnded && flow.provider === provider && flow.accountId === accountId;
  }

  return { ...client, ...known, ...lists, isBusy };
}
