import { useWords } from '../words/language.js';
import { Message } from './Message.js';

/** For somebody without a session: it is the host app that opens one. */
export function ClosedPage({ ended, dev }: { ended: boolean; dev: boolean }) {
  const { closed } = useWords();
  return (
    <Message alone title={closed.title} text={ended ? closed.ended : closed.never}>
      {dev && (
        <button type="button" className="action" onClick={() => location.reload()}>
          {closed.again}
        </button>
      )}
    </Message>
  );
}
