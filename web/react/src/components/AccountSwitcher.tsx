import { useId } from 'react';
import type { Integration, ProviderId, ProviderIntegrations } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { nameOf } from './names.js';
import { useUi } from './ui.js';

export interface AccountSwitcherProps {
  /** The chosen account; null for none, or for all of them where `allowAll` offers that. */
  value: Integration | null;
  onChange(account: Integration | null): void;
  /** Of one platform alone. */
  provider?: ProviderId;
  label?: string;
  /** Offers all accounts together, as null. */
  allowAll?: boolean;
}

const ALL = 'all';

/** For pages that read one account: a select, by platform. */
export function AccountSwitcher({
  value,
  onChange,
  provider,
  label,
  allowAll = false,
}: AccountSwitcherProps) {
  const { messages, root } = useUi();
  const { providers, integrations } = useIntegrations(provider ? { only: [provider] } : {});
  const id = useId();
  const words = messages.switcher;
  const choose = (key: string) => onChange(integrations.find((one) => String(one.id) === key) ?? null);
  const isEmpty = integrations.length === 0;
  // What was disconnected meanwhile is chosen no more: the page must not show one account and read another.
  const isThere = integrations.some((one) => one.id === value?.id);
  const chosen = isThere ? value?.id : allowAll && !value && !isEmpty ? ALL : '';
  return (
    <div {...root} className="eg-root eg-switcher">
      <label htmlFor={id}>{label ?? words.label}</label>
      <select
        id={id}
        className="eg-select"
        value={chosen}
        disabled={isEmpty}
        onChange={(event) => choose(event.target.value)}
      >
        {chosen === '' && (
          <option value="" disabled>
            {isEmpty ? words.none : words.choose}
          </option>
        )}
        {allowAll && <option value={ALL}>{words.all}</option>}
        {providers.map((one) => (
          <Group key={one.provider} provider={one} />
        ))}
      </select>
    </div>
  );
}

function Group({ provider: { name, integrations } }: { provider: ProviderIntegrations }) {
  if (integrations.length === 0) return null;
  return (
    <optgroup label={name}>
      {integrations.map((account) => (
        <option key={account.id} value={account.id}>
          {nameOf(account)}
        </option>
      ))}
    </optgroup>
  );
}
