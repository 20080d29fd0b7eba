import type { Integration, ProviderIntegrations, Scope } from '../client/types.js';
import { Glyph } from './Glyph.js';
import { nameOf } from '../client/names.js';
import { useUi } from './ui.js';

/** The props of `PermissionList`. */
export interface PermissionListProps {
  /** The platform whose permissions are listed. */
  provider: ProviderIntegrations;
}

/**
 * The permissions that are requested at a platform and, once accounts are connected, whether they were granted. Accounts
 * with different permissions have a list each.
 */
export function PermissionList({ provider }: PermissionListProps) {
  const { messages, root } = useUi();
  const { integrations, scopes } = provider;
  if (scopes.length === 0) return null;
  const lists = listsOf(integrations);
  const fewest = Math.min(...lists.map(({ missing }) => grantedOf(scopes, missing)));
  return (
    <details {...root} className="eg-root eg-permissions">
      <summary>
        <Glyph name="chevron" />
        {messages.card.permissions(integrations.length > 0 ? fewest : null, scopes.length)}
      </summary>
      {lists.map(({ account, missing }) => (
        <div key={account?.id ?? 0}>
          {lists.length > 1 && account && <bdi className="eg-permissions-of">{nameOf(account)}</bdi>}
          <Permissions scopes={scopes} missing={account ? missing : null} />
        </div>
      ))}
    </details>
  );
}

/** The permissions with a mark each; `missing` is null if it is unknown which are granted. */
function Permissions({ scopes, missing }: { scopes: readonly Scope[]; missing: ReadonlySet<string> | null }) {
  const { card } = useUi().messages;
  return (
    <ul>
      {scopes.map(({ id, label }) => (
        <li key={id} data-granted={missing ? !missing.has(id) : undefined}>
          <Glyph name={missing?.has(id) ? 'dash' : 'check'} />
          <span aria-hidden={missing ? true : undefined}>{label}</span>
          {missing && (
            <span className="eg-unseen">
              {missing.has(id) ? card.notGranted(label) : card.granted(label)}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

interface List {
  /** The account; undefined if none is connected. */
  account: Integration | undefined;
  missing: ReadonlySet<string>;
}

/** Returns one list if all accounts have the same permissions, and otherwise one for each account. */
function listsOf(integrations: readonly Integration[]): readonly List[] {
  const lists = integrations.map((account) => ({ account, missing: new Set(account.missingScopes) }));
  const different = new Set(lists.map(({ missing }) => [...missing].sort().join(' ')));
  if (different.size > 1) return lists;
  return [lists[0] ?? { account: undefined, missing: new Set() }];
}

const grantedOf = (scopes: readonly Scope[], missing: ReadonlySet<string>) =>
  scopes.filter(({ id }) => !missing.has(id)).length;
