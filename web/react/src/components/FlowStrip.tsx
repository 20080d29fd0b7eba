import type { ProviderId } from '../client/types.js';
import { useConnectFlow } from '../react/useConnectFlow.js';
import { useExtras } from './useExtras.js';

/** How far connecting this platform has come; its region is always there, so that a screen reader hears it change. */
export function FlowStrip({ provider, name }: { provider: ProviderId; name: string }) {
  const flow = useConnectFlow();
  const mine = flow.step !== 'idle' && flow.provider === provider ? flow : null;
  const extras = useExtras(mine !== null);
  const told = mine && mine.step !== 'connected' && mine.step !== 'choose' && mine.step !== 'credentials';
  return (
    <div className="eg-flow" data-step={told ? mine.step : undefined}>
      <p role="status">{told && extras && <extras.FlowText flow={mine} name={name} />}</p>
      {told && extras && <extras.FlowActions flow={mine} />}
    </div>
  );
}
