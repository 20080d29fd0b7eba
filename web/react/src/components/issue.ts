import type { Integration, IntegrationStatus, Provider } from '../client/types.js';
import type { CoreMessages } from '../messages/core-messages.js';
import type { Format } from '../messages/format.js';

/** What is wrong with an account: one sentence and one action. */
export interface Issue {
  /** The sentence. */
  text: string;
  /** The action that the button offers; null for no button. */
  action: 'reconnect' | 'allow' | 'retry' | 'reference' | null;
}

/** Returns the status to show: an account that works without a requested permission is not simply connected. */
export function shownStatus({ status, remarks }: Integration): IntegrationStatus | 'limited' {
  return status === 'connected' && remarks.includes('SCOPE_MISSING') ? 'limited' : status;
}

/** Returns what the user should know about an account; null if it needs no attention. */
export function issueOf(
  integration: Integration,
  provider: Provider | undefined,
  { messages, format, now }: { messages: CoreMessages; format: Format; now: number | null },
): Issue | null {
  const { status, statusReason, remarks, missingScopes, expiresAt, nextRefreshAt } = integration;
  const name = provider?.name ?? integration.provider;
  const { reasons } = messages;
  if (status === 'expired') return { text: expiredText(statusReason, name, messages), action: 'reconnect' };
  if (status === 'expiring') {
    return { text: reasons.expiring(expiresAt ? format.when(expiresAt, now) : null), action: 'reconnect' };
  }
  if (status === 'error') {
    if (statusReason === 'USER_ACTION_AT_PLATFORM')
      return { text: reasons.actionNeeded(name), action: 'retry' };
    if (statusReason === 'DECRYPTION_ERROR') return { text: reasons.internal, action: 'reference' };
    const next = nextRefreshAt ? format.when(nextRefreshAt, now) : null;
    return { text: reasons.unavailable(name, next), action: 'retry' };
  }
  if (remarks.includes('SCOPE_MISSING') && missingScopes.length > 0) {
    const label = (id: string) => provider?.scopes.find((scope) => scope.id === id)?.label ?? id;
    return { text: reasons.scopes(format.list(missingScopes.map(label))), action: 'allow' };
  }
  return remarks.includes('UNVERIFIED') ? { text: reasons.unverified, action: null } : null;
}

/** Returns the sentence for an account that must be reconnected. */
function expiredText(reason: Integration['statusReason'], name: string, { reasons }: CoreMessages): string {
  if (reason === 'REVOKED_BY_USER') return reasons.revoked(name);
  if (reason === 'LOST_IN_FLIGHT') return reasons.refreshLost;
  return reason === 'SESSION_ENDED' ? reasons.sessionEnded : reasons.refused(name);
}
