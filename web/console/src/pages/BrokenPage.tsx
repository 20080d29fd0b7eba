import { useWords } from '../words/language.js';
import { Message } from './Message.js';

/** A fault of ours, or a part of the page that could not be loaded: after an update, its name is another. */
export function BrokenPage({ alone = false }: { alone?: boolean }) {
  const { broken } = useWords();
  return (
    <Message alone={alone} title={broken.title} text={broken.text}>
      <button type="button" className="action" onClick={() => location.reload()}>
        {broken.reload}
      </button>
    </Message>
  );
}
