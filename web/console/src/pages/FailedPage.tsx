import { useWords } from '../words/language.js';
import { Message } from './Message.js';

/** The server did not say who is signed in. */
export function FailedPage({ onRetry }: { onRetry(): void }) {
  const { failed } = useWords();
  return (
    <Message alone title={failed.title} text={failed.text}>
      <button type="button" className="action" onClick={onRetry}>
        {failed.retry}
      </button>
    </Message>
  );
}
