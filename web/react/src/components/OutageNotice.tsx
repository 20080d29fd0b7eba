import type { EvergrantError } from '../client/error.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { Button } from './Button.js';
import { Countdown } from './Countdown.js';
import { useExtras } from './useExtras.js';
import { type Ui, useUi } from './ui.js';

/**
 * The notice for data that is out of date or could not be loaded, with the time of the next attempt. It comes with the
 * first download, because nothing can be loaded during an outage.
 */
export function OutageNotice() {
  const { messages } = useUi();
  const { error, stale, readAt, retryAt, reload } = useIntegrations();
  const isOther = error !== null && !isOutage(error);
  const extras = useExtras(isOther);
  const { outage, locale } = messages;
  return (
    <div className="eg-banner" data-status={error ? 'error' : 'none'}>
      {error && <span className="eg-mark" aria-hidden="true" />}
      <div className="eg-banner-body">
        <p role="status">
          {error &&
            (isOther ? extras && <extras.ErrorText error={error} /> : textOf(messages, stale, readAt))}
        </p>
        {retryAt !== null && <Countdown until={retryAt} text={outage.nextTry} locale={locale} />}
        {error && <Button onClick={() => void reload()}>{outage.retry}</Button>}
      </div>
    </div>
  );
}

/** Returns the text for an outage. */
function textOf({ outage, locale }: Ui['messages'], stale: boolean, readAt: number | null): string {
  if (!stale) return outage.failed;
  return outage.stale(
    readAt === null ? null : new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(readAt),
  );
}

/** Whether there was no response, or one with a server error. */
const isOutage = ({ code, status = 0 }: EvergrantError) => code === 'BROWSER_OFFLINE' || status >= 500;
