import type { IntegrationStatus as Status } from '../client/types.js';
import { useUi } from './ui.js';

/** The props of `IntegrationStatus`. */
export interface IntegrationStatusProps {
  /**
   * The status of an account; `limited` for a connected one without a permission that was requested, `none` for a
   * platform without accounts.
   */
  status: Status | 'limited' | 'none';
  /**
   * Whether the account is being refreshed.
   *
   * @default false
   */
  busy?: boolean;
}

/** The name of a status with a mark, whose shape differs as well as its colour. */
export function IntegrationStatus({ status, busy = false }: IntegrationStatusProps) {
  const { messages, root } = useUi();
  return (
    <span {...root} className="eg-root eg-status" data-status={status} data-busy={busy || undefined}>
      <span className="eg-mark" aria-hidden="true" />
      {busy ? messages.status.refreshing : messages.status[status]}
    </span>
  );
}
