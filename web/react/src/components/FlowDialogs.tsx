import { ChooseDialog } from './ChooseDialog.js';
import { CredentialsDialog } from './CredentialsDialog.js';

/**
 * The dialogs that flows may open. `IntegrationsPage` contains them; render them once on pages with buttons of your own.
 */
export function FlowDialogs() {
  return (
    <>
      <ChooseDialog />
      <CredentialsDialog />
    </>
  );
}
