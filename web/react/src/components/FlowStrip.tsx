import type { ProviderId } from '../client/types.js';
import { useConnectFlow } from '../react/useConnectFlow.js';
import { useExtras } from './useExtras.js';

/** How far connecting this platform has come; its region is always there, so that a screen reader hears it change. */
export function FlowStrip({ provider, name }: { provider: ProviderId; name: string }) {
  const flow = useConnectFlow();
  const mine = flow.step !== 'idle' && flow.provider === provider ? flow : null;
  const extras = useExtras(mine !== null);
  const isTold = mine && mine.step !== 'connected' && mine.step !== 'choose' && mine.step !== 'credentials';
  return (
    <div className="eg-flow" role="status" data-step={isTold ? mine.step : undefined}>
      {isTold && extras && <extras.FlowNotice flow={mine} name={name} />}
    </div>
  );
}
