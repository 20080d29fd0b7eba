import type { Integration } from '../client/types.js';
import { useExtras } from './useExtras.js';

export interface DisconnectDialogProps {
  /** What is to be disconnected. */
  integration: Integration;
  onClose(): void;
}

/** Asks before an account is disconnected; open for as long as it is there. */
export function DisconnectDialog(props: DisconnectDialogProps) {
  const extras = useExtras(true, props.onClose);
  return extras && <extras.DisconnectDialog {...props} />;
}
