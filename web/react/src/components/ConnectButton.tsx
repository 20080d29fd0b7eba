import type { ReactNode } from 'react';
import type { ConnectOptions } from '../client/flow-options.js';
import type { ProviderId } from '../client/types.js';
import { useIntegration } from '../react/useIntegration.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button, type ButtonProps } from './Button.js';
import { useUi } from './ui.js';

/** The props of `ConnectButton`, including the options of `connect`. */
export interface ConnectButtonProps extends ConnectOptions {
  /** The platform to connect. */
  provider: ProviderId;
  /**
   * The look.
   *
   * @default 'plain'
   */
  variant?: Exclude<ButtonProps['variant'], 'danger'>;
  /**
   * The label.
   *
   * @default `card.connect` of the messages, or `account.reconnect` with `accountId`
   */
  children?: ReactNode;
  /** An additional class name. */
  className?: string;
}

/** A button that connects an account at a platform, or reconnects the account `accountId`. */
export function ConnectButton({ provider, variant, children, className, ...options }: ConnectButtonProps) {
  const { messages, root } = useUi();
  const { connect, isBusy } = useIntegrations();
  const name = useIntegration(provider)?.name ?? provider;
  const busy = isBusy(provider, options.accountId);
  const label = options.accountId ? messages.account.reconnect : messages.card.connect;
  return (
    <Button
      {...root}
      className={className ? `eg-root ${className}` : 'eg-root'}
      variant={variant ?? 'plain'}
      busy={busy}
      data-provider={provider}
      aria-label={busy || children || options.accountId ? undefined : messages.card.connectTo(name)}
      onClick={() => void connect(provider, options)}
    >
      {busy ? messages.card.connecting : (children ?? label)}
    </Button>
  );
}
