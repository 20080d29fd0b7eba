/** The parts of an account that name it. */
interface Named {
  displayName?: string | null;
  username?: string | null;
  providerAccountId: string;
}

/** Returns the account's name for users: its display name, or else its handle, or else its id. */
export function nameOf(account: Named): string {
  return account.displayName || account.username || account.providerAccountId;
}

/** Returns the account's handle with `@`; null if it has none or its name is the same. */
export function handleOf(account: Named): string | null {
  return account.username && account.username !== nameOf(account) ? `@${account.username}` : null;
}

/** Returns what tells the account apart from others of the same person: its handle with `@`, or else its name. */
export function mentionOf(account: Named): string {
  return account.username ? `@${account.username}` : nameOf(account);
}
