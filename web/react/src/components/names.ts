interface Named {
  displayName?: string | null;
  username?: string | null;
  providerAccountId: string;
}

/** What people call the account. */
export function nameOf(account: Named): string {
  return account.displayName || account.username || account.providerAccountId;
}

/** Its handle, where that says more than its name. */
export function handleOf(account: Named): string | null {
  return account.username && account.username !== nameOf(account) ? `@${account.username}` : null;
}
