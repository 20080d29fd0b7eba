import { useStrings } from '../i18n/language.js';
import { Message } from './Message.js';

/** Shown to a browser without a session. The host app opens one; `evergrant dev` does so itself. */
export function SignedOutPage({ hadSession, dev }: { hadSession: boolean; dev: boolean }) {
  const { signedOut } = useStrings();
  return (
    <Message
      standalone
      title={signedOut.title}
      text={hadSession ? signedOut.sessionEnded : signedOut.noSession}
    >
      {dev && (
        <button type="button" className="action" onClick={() => location.reload()}>
          {signedOut.signInAgain}
        </button>
      )}
    </Message>
  );
}
