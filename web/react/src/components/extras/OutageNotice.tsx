import type { EvergrantError } from '../../client/error.js';
import { errorText } from '../../messages/error-text.js';
import type { Messages } from '../../messages/types.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { Countdown } from './Countdown.js';
import { useFullUi } from './useFullUi.js';

/** Says that what is shown is old, or could not be read at all, and when it is tried again. */
export function OutageNotice() {
  const { messages } = useFullUi();
  const { error, stale, readAt, retryAt, reload } = useIntegrations();
  const { outage } = messages;
  return (
    <div className="eg-banner" data-status={error ? 'error' : 'none'}>
      {error && <span className="eg-mark" aria-hidden="true" />}
      <div className="eg-banner-body">
        <p role="status">{error && textOf(error, messages, stale, readAt)}</p>
        {retryAt !== null && <Countdown until={retryAt} say={outage.nextTry} />}
        {error && <Button onClick={() => void reload()}>{outage.tryNow}</Button>}
      </div>
    </div>
  );
}

/** Who is signed out or asks too often is told that; anything else that fails here is an outage. */
function textOf(error: EvergrantError, messages: Messages, stale: boolean, readAt: number | null): string {
  const { outage, locale } = messages;
  if (!isOutage(error)) return errorText(messages, error.code, 'Evergrant');
  return stale ? outage.stale(readAt === null ? null : timeOf(locale, readAt)) : outage.failed;
}

/** No answer, or one that tells of a fault on the other side. */
const isOutage = ({ code, status = 0 }: EvergrantError) =>
  code === 'NETWORK_ERROR' || code === 'TIMEOUT_ERROR' || status >= 500;

function timeOf(locale: string, ms: number): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(ms);
}
