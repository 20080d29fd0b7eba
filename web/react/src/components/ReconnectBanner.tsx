import { useIntegration } from '../react/useIntegration.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button } from './Button.js';
import { nameOf } from './names.js';
import { useUi } from './ui.js';

/** For any page of yours: says that accounts need their owner, and begins with the first. Nothing while all is well. */
export function ReconnectBanner() {
  const { messages, root } = useUi();
  const { integrations, reconnect, isBusy } = useIntegrations();
  const needy = integrations.filter((one) => one.status === 'expired');
  const first = needy[0];
  const provider = useIntegration(first?.provider ?? '')?.name ?? first?.provider ?? '';
  const { banner } = messages;
  return (
    <div {...root} role="status" className="eg-root eg-banner" data-status={first ? 'expired' : 'none'}>
      {first && (
        <>
          <span className="eg-mark" aria-hidden="true" />
          <div className="eg-banner-body">
            <p>{needy.length === 1 ? banner.one(nameOf(first), provider) : banner.several(needy.length)}</p>
            <Button
              variant="primary"
              busy={isBusy(first.provider, first.providerAccountId)}
              onClick={() => void reconnect(first.provider, first.providerAccountId)}
            >
              {needy.length === 1 ? messages.account.reconnect : banner.start(nameOf(first))}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
