import { useId } from 'react';
import type { Integration, ProviderId, ProviderIntegrations } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { nameOf } from '../client/names.js';
import { useUi } from './ui.js';

/** The props of `AccountSwitcher`. */
export interface AccountSwitcherProps {
  /** The selected account; null for none, or for all accounts with `allowAll`. */
  value: Integration | null;
  /** Called with the account that the user selects; null for all accounts. */
  onChange(account: Integration | null): void;
  /** Lists only the accounts of this platform. */
  provider?: ProviderId;
  /**
   * The label of the select.
   *
   * @default `switcher.label` of the messages
   */
  label?: string;
  /**
   * Whether to offer all accounts together, with the value null.
   *
   * @default false
   */
  allowAll?: boolean;
}

const ALL = 'all';

/** A select with the user's accounts, grouped by platform; for pages that show one account. */
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
  const texts = messages.switcher;
  const choose = (key: string) => onChange(integrations.find((one) => String(one.id) === key) ?? null);
  const isEmpty = integrations.length === 0;
  // An account that has been disconnected in the meantime is not shown as selected.
  const isListed = integrations.some((one) => one.id === value?.id);
  const chosen = isListed ? value?.id : allowAll && !value && !isEmpty ? ALL : '';
  return (
    <div {...root} className="eg-root eg-switcher">
      <label htmlFor={id}>{label ?? texts.label}</label>
      <select
        id={id}
        className="eg-select"
        value={chosen}
        disabled={isEmpty}
        onChange={(event) => choose(event.target.value)}
      >
        {chosen === '' && (
          <option value="" disabled>
            {isEmpty ? texts.none : texts.choose}
          </option>
        )}
        {allowAll && <option value={ALL}>{texts.all}</option>}
        {providers.map((one) => (
          <Group key={one.provider} provider={one} />
        ))}
      </select>
    </div>
  );
}

/** The accounts of a platform; nothing if there are none. */
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
