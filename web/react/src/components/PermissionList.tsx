import type { ProviderIntegrations } from '../client/types.js';
import { Glyph } from './Glyph.js';
import { useUi } from './ui.js';

/** The props of `PermissionList`. */
export interface PermissionListProps {
  /** The platform whose permissions are listed. */
  provider: ProviderIntegrations;
}

/** The permissions that are requested at a platform and, once accounts are connected, whether they were granted. */
export function PermissionList({ provider }: PermissionListProps) {
  const { messages, root } = useUi();
  const { card } = messages;
  const { integrations, scopes } = provider;
  if (scopes.length === 0) return null;
  const missing = new Set(integrations.flatMap((one) => one.missingScopes));
  const isKnown = integrations.length > 0;
  const textOf = (id: string) => (missing.has(id) ? card.notGranted : card.granted);
  const granted = scopes.filter(({ id }) => !missing.has(id)).length;
  return (
    <details {...root} className="eg-root eg-permissions">
      <summary>
        <Glyph name="chevron" />
        {card.permissions(isKnown ? granted : null, scopes.length)}
      </summary>
      <ul>
        {scopes.map(({ id, label }) => (
          <li key={id} data-granted={isKnown ? !missing.has(id) : undefined}>
            <Glyph name={isKnown && missing.has(id) ? 'dash' : 'check'} />
            <span aria-hidden={isKnown || undefined}>{label}</span>
            {isKnown && <span className="eg-unseen">{textOf(id)(label)}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}
