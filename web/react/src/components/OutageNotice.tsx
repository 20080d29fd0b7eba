import type { EvergrantError } from '../../client/error.js';
import { errorText } from '../../messages/error-text.js';
import type { Messages } from '../../messages/types.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { Countdown } from './Countdown.js';
import { useFullUi } from './useFullUi.js';

/** The notice for data that is out of date or could not be loaded, with the time of the next attempt. */
export function OutageNotice() {
  const { messages } = useFullUi();
  const { error, stale, readAt, retryAt, reload } = useIntegrations();
  const { outage } = messages;
  return (
    <div className="eg-banner" data-status={error ? 'error' : 'none'}>
      {error && <span className="eg-mark" aria-hidden="true" />}
      <div className="eg-banner-body">
        <p role="status">{error && textOf(error, messages, stale, readAt)}</p>
        {retryAt !== null && <Countdown until={retryAt} text={outage.nextTry} />}
        {error && <Button onClick={() => void reload()}>{outage.retry}</Button>}
      </div>
    </div>
  );
}

/** Returns the text for the failure: that of its error code, or that of an outage. */
function textOf(error: EvergrantError, messages: Messages, stale: boolean, readAt: number | null): string {
  const { outage, locale } = messages;
  if (!isOutage(error)) return errorText(messages, error.code, 'Evergrant');
  return stale ? outage.stale(readAt === null ? null : timeOf(locale, readAt)) : outage.failed;
}

/** Whether there was no response, or one with a server error. */
const isOutage = ({ code, status = 0 }: EvergrantError) =>
  code === 'NETWORK_ERROR' || code === 'TIMEOUT_ERROR' || status >= 500;

function timeOf(locale: string, ms: number): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(ms);
}
