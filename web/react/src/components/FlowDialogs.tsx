import { ChooseDialog } from './ChooseDialog.js';
import { CredentialsDialog } from './CredentialsDialog.js';

/** What a flow may ask in between. `IntegrationsPage` has it; put it once beside buttons of your own. */
export function FlowDialogs() {
  return (
    <>
      <ChooseDialog />
      <CredentialsDialog />
    </>
  );
}
