import type { IntegrationStatus as Status } from '../client/types.js';
import { useUi } from './ui.js';

export interface IntegrationStatusProps {
  status: Status | 'none';
  /** It is being renewed just now. */
  busy?: boolean;
}

/** A mark and its word. The mark differs by shape too: colour is never alone. */
export function IntegrationStatus({ status, busy = false }: IntegrationStatusProps) {
  const { messages, root } = useUi();
  return (
    <span {...root} className="eg-root eg-status" data-status={status} data-busy={busy || undefined}>
      <span className="eg-mark" aria-hidden="true" />
      {busy ? messages.status.renewing : messages.status[status]}
    </span>
  );
}
