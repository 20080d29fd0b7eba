import { useStrings } from '../i18n/language.js';
import { Message } from './Message.js';

/**
 * Shown after a rendering error, or if a chunk of the page could not be loaded. After an upgrade of
 * the server the names of chunks differ, so reloading the document helps.
 */
export function ErrorPage({ standalone = false }: { standalone?: boolean }) {
  const { error } = useStrings();
  return (
    <Message standalone={standalone} title={error.title} text={error.text}>
      <button type="button" className="action" onClick={() => location.reload()}>
        {error.reload}
      </button>
    </Message>
  );
}
