import { useId } from 'react';
import type { Integration, ProviderId } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { nameOf } from './names.js';
import { useUi } from './ui.js';

export interface AccountSwitcherProps {
  /** The chosen account; null for all of them. */
  value: Integration | null;
  onChange(account: Integration | null): void;
  /** Of one platform alone. */
  provider?: ProviderId;
  label?: string;
  /** Offers all accounts together, as null. */
  allowAll?: boolean;
}

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
  return (
    <div {...root} className="eg-root eg-switcher">
      <label htmlFor={id}>{label ?? words.label}</label>
      <select
        id={id}
        className="eg-select"
        value={value ? String(value.id) : ''}
        disabled={isEmpty}
        onChange={(event) => choose(event.target.value)}
      >
        {(allowAll || isEmpty || !value) && <option value="">{isEmpty ? words.none : words.all}</option>}
        {providers
          .filter((one) => one.integrations.length > 0)
          .map((one) => (
            <optgroup key={one.provider} label={one.name}>
              {one.integrations.map((account) => (
                <option key={account.id} value={account.id}>
                  {nameOf(account)}
                </option>
              ))}
            </optgroup>
          ))}
      </select>
    </div>
  );
}
