/** The actions on a connected account: disconnect and refresh. */
import type { Api } from './api.js';
import type { ClientEvent, DisconnectResult, Failed, RefreshResult } from './client-types.js';
import { asError } from './error.js';
import type { Snapshot } from './snapshot.js';
import type { Store } from './store.js';
import type { Integration, ProviderId } from './types.js';

/** What the account actions depend on. */
export interface ActionsOptions {
  /** The routes to call. */
  api: Api;
  /** The client's state. */
  store: Store<Snapshot>;
  /** Reads the status again. */
  reload(): Promise<void>;
  /** Reports an event to the listeners of the client. */
  emit(event: ClientEvent): void;
}

/** Creates the account actions. None of them rejects. */
export function createActions({ api, store, reload, emit }: ActionsOptions) {
  const setBusy = (busy: readonly string[]) => store.set({ ...store.get(), busy });

  /** Runs `work` with the account marked busy. Emits and returns a failure instead of throwing it. */
  async function act<T>(
    during: 'disconnect' | 'refresh',
    provider: ProviderId,
    accountId: string,
    work: () => Promise<T>,
  ): Promise<T | Failed> {
    const key = `${provider}/${accountId}`;
    setBusy([...store.get().busy, key]);
    try {
      return await work();
    } catch (thrown) {
      const error = asError(thrown);
      emit({ type: 'failed', provider, during, error });
      return { status: 'failed', error };
    } finally {
      setBusy(store.get().busy.filter((one) => one !== key));
    }
  }

  return {
    disconnect: (provider: ProviderId, accountId: string, deleteData: boolean): Promise<DisconnectResult> =>
      act('disconnect', provider, accountId, async () => {
        const integration = store.get().integrations.find(isOneOf(provider, [accountId]));
        const { revocation, message } = await api.disconnect(provider, accountId, deleteData);
        await reload();
        emit({ type: 'disconnected', provider, revocation, message, integration });
        return { status: 'disconnected' as const, revocation, message };
      }),
    refresh: (provider: ProviderId, accountId: string): Promise<RefreshResult> =>
      act('refresh', provider, accountId, async () => {
        const { success: _success, ...refreshed } = await api.refresh(provider, accountId);
        await reload();
        emit({ type: 'refreshed', provider, accountId });
        return { status: 'refreshed' as const, ...refreshed };
      }),
  };
}

/** Returns a predicate for the integrations of `provider` whose account id is in `accountIds`. */
export function isOneOf(provider: ProviderId, accountIds: readonly string[]) {
  return (one: Integration) => one.provider === provider && accountIds.includes(one.providerAccountId);
}
