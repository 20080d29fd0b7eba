import type { Integration, Provider } from '../client/types.js';
import type { Format } from '../messages/format.js';
import type { CoreMessages } from '../messages/types.js';

/** One sentence and one button. */
export interface Trouble {
  text: string;
  action: 'reconnect' | 'allow' | 'retry' | 'reference' | null;
}

/** What a person should know of an account, and can do about it; null where all is well. */
export function troubleOf(
  integration: Integration,
  provider: Provider | undefined,
  { messages, format, now }: { messages: CoreMessages; format: Format; now: number | null },
): Trouble | null {
  const { status, statusReason, expiresAt, nextRefreshAt } = integration;
  const name = provider?.name ?? integration.provider;
  const { reasons } = messages;
  if (status === 'expired') return { text: lossOf(statusReason, name, messages), action: 'reconnect' };
  if (status === 'expiring') {
    return { text: reasons.expiring(expiresAt ? format.when(expiresAt, now) : null), action: 'reconnect' };
  }
  if (status === 'error') {
    if (statusReason === 'USER_ACTION_AT_PLATFORM')
      return { text: reasons.actionNeeded(name), action: 'retry' };
    if (statusReason === 'DECRYPTION_ERROR') return { text: reasons.ours, action: 'reference' };
    const next = nextRefreshAt ? format.when(nextRefreshAt, now) : null;
    return { text: reasons.unavailable(name, next), action: 'retry' };
  }
  if (statusReason === 'UNVERIFIED') return { text: reasons.unverified, action: null };
  if (statusReason !== 'SCOPE_MISSING' || integration.missingScopes.length === 0) return null;
  const label = (id: string) => provider?.scopes.find((scope) => scope.id === id)?.label ?? id;
  return { text: reasons.scopes(format.list(integration.missingScopes.map(label))), action: 'allow' };
}

function lossOf(reason: Integration['statusReason'], name: string, { reasons }: CoreMessages): string {
  if (reason === 'REVOKED_BY_USER') return reasons.revoked(name);
  if (reason === 'LOST_IN_FLIGHT') return reasons.lost;
  return reason === 'SESSION_ENDED' ? reasons.ended : reasons.refused(name);
}
