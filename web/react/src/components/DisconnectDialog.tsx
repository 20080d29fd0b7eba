import type { Integration } from '../client/types.js';
import { useExtras } from './useExtras.js';

/** The props of `DisconnectDialog`. */
export interface DisconnectDialogProps {
  /** The account to disconnect. */
  integration: Integration;
  /** Called when the user cancels, after the account is disconnected, or if the dialog cannot be loaded. */
  onClose(): void;
}

/** The dialog in which the user confirms that an account is disconnected; open while it is rendered. */
export function DisconnectDialog(props: DisconnectDialogProps) {
  const extras = useExtras(true, props.onClose);
  return extras && <extras.DisconnectDialog {...props} />;
}
