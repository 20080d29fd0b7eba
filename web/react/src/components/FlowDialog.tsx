import { useConnectFlow } from '../react/useConnectFlow.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { useExtras } from './useExtras.js';

/** The dialog of a flow's step, while the flow is in that step. Cancels the flow if the dialog cannot be loaded. */
export function FlowDialog({ step }: { step: 'choose' | 'credentials' }) {
  const extras = useExtras(useConnectFlow().step === step, useIntegrations().cancel);
  return extras && (step === 'choose' ? <extras.ChooseDialog /> : <extras.CredentialsDialog />);
}
