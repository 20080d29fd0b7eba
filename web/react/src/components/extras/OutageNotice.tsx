import { errorText } from '../../messages/error-text.js';
import { useIntegrations } from '../../react/useIntegrations.js';
import { Button } from '../Button.js';
import { useNow } from '../useNow.js';
import { useFullUi } from './useFullUi.js';

/** Says that what is shown is old, or could not be read at all, and when it is tried again. */
export function OutageNotice() {
  const { messages } = useFullUi();
  const { error, stale, readAt, retryAt, reload } = useIntegrations();
  const now = useNow(1000);
  const { outage } = messages;
  const left = retryAt !== null && now !== null ? Math.ceil((retryAt - now) / 1000) : 0;
  const text =
    error && (stale && readAt !== null ? outage.stale(timeOf(messages.locale, readAt)) : reasonOf());
  function reasonOf(): string {
    const known = error?.code ?? 'NETWORK_ERROR';
    return known === 'NETWORK_ERROR' ? outage.failed : errorText(messages, known, 'Evergrant');
  }
  return (
    <div className="eg-banner" data-status={error ? 'error' : 'none'}>
      {error && <span className="eg-mark" aria-hidden="true" />}
      <div className="eg-banner-body">
        <p role="status">{text}</p>
        {error && left > 0 && (
          <span className="eg-note eg-countdown">{outage.nextTry(secondsOf(messages.locale, left))}</span>
        )}
        {error && <Button onClick={() => void reload()}>{outage.tryNow}</Button>}
      </div>
    </div>
  );
}

function timeOf(locale: string, ms: number): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(ms);
}

function secondsOf(locale: string, count: number): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', unitDisplay: 'long' }).format(count);
}
