import { useMemo } from 'react';
import type { EvergrantClient } from '../client/client-types.js';
import type { Snapshot } from '../client/snapshot.js';
import type { ProviderId } from '../client/types.js';
import { useEvergrantClient } from './context.js';
import { useSnapshot } from './useSnapshot.js';

type Actions = Omit<EvergrantClient, 'getSnapshot' | 'getServerSnapshot' | 'subscribe' | 'on' | 'start'>;

export interface UseIntegrations extends Omit<Snapshot, 'version' | 'busy'>, Actions {
  /** Whether something is under way: with this account, or with connecting this platform. */
  isBusy(provider: ProviderId, accountId?: string): boolean;
}

const whole = (snapshot: Snapshot) => snapshot;

/**
 * The signed-in user's connected accounts, the platforms that can be connected, and what can be done.
 *
 * `only` narrows both lists. None of the actions rejects, so each may be a click's handler; `connect` and `reconnect`
 * open a window, so call them in the click itself.
 */
export function useIntegrations({ only }: { only?: readonly ProviderId[] } = {}): UseIntegrations {
  const client = useEvergrantClient();
  const { version: _version, busy, ...known } = useSnapshot(whole);
  const wanted = only?.join();
  const lists = useMemo(() => {
    const isWanted = ({ provider }: { provider: string }) =>
      wanted === undefined || wanted.split(',').includes(provider);
    return {
      integrations: known.integrations.filter(isWanted),
      providers: known.providers.filter(isWanted),
    };
  }, [known.integrations, known.providers, wanted]);
  const { flow } = known;

  function isBusy(provider: ProviderId, accountId?: string): boolean {
    if (accountId !== undefined && busy.includes(`${provider}/${accountId}`)) return true;
    const isOver = flow.step === 'idle' || flow.step === 'connected' || flow.step === 'failed';
    return !isOver && flow.provider === provider && flow.accountId === accountId;
  }

  return { ...client, ...known, ...lists, isBusy };
}
