import { useIntegration } from '../react/useIntegration.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button } from './Button.js';
import { nameOf } from '../client/names.js';
import { useUi } from './ui.js';

/** A banner for any page if accounts must be reconnected, with a button for the first of them. Otherwise it is hidden. */
export function ReconnectBanner() {
  const { messages, root } = useUi();
  const { integrations, reconnect, isBusy } = useIntegrations();
  const expired = integrations.filter((one) => one.status === 'expired');
  const first = expired[0];
  const provider = useIntegration(first?.provider ?? '')?.name ?? first?.provider ?? '';
  const { banner } = messages;
  return (
    <div {...root} role="status" className="eg-root eg-banner" data-status={first ? 'expired' : 'none'}>
      {first && (
        <>
          <span className="eg-mark" aria-hidden="true" />
          <div className="eg-banner-body">
            <p>
              {expired.length === 1 ? banner.one(nameOf(first), provider) : banner.several(expired.length)}
            </p>
            <Button
              variant="primary"
              busy={isBusy(first.provider, first.providerAccountId)}
              onClick={() => void reconnect(first.provider, first.providerAccountId)}
            >
              {expired.length === 1 ? messages.account.reconnect : banner.start(nameOf(first))}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
