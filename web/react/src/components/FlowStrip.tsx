import type { ProviderIntegrations } from '../client/types.js';
import { useConnectFlow } from '../react/useConnectFlow.js';
import { useExtras } from './useExtras.js';

/**
 * The progress of connecting a platform. Its live region is always rendered, so that screen readers announce changes.
 */
export function FlowStrip({ provider }: { provider: ProviderIntegrations }) {
  const flow = useConnectFlow();
  const own = flow.step !== 'idle' && flow.provider === provider.provider ? flow : null;
  const extras = useExtras(own !== null);
  const isShown = own && own.step !== 'connected' && own.step !== 'choose' && own.step !== 'credentials';
  return (
    <div className="eg-flow" data-step={isShown ? own.step : undefined}>
      <p role="status">{isShown && extras && <extras.FlowText flow={own} provider={provider} />}</p>
      {isShown && extras && <extras.FlowActions flow={own} provider={provider} />}
    </div>
  );
}
