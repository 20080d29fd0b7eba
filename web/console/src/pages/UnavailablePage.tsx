import { APP } from '../base.js';
import { useStrings } from '../i18n/language.js';
import { Message } from './Message.js';

/** Shown if the session could not be read from the server. */
export function UnavailablePage({ onRetry }: { onRetry(): void }) {
  const { unavailable } = useStrings();
  return (
    <Message standalone title={unavailable.title} text={unavailable.text(APP.name)}>
      <button type="button" className="action" onClick={onRetry}>
        {unavailable.retry}
      </button>
    </Message>
  );
}
