import { useStrings } from '../i18n/language.js';
import { BackLink } from '../shell/BackLink.js';
import { Message } from './Message.js';

interface SignedOutPageProps {
  /** Whether this page had a session before. */
  hadSession: boolean;
  /** Whether opening the console signs in a user, as in `evergrant dev`. */
  dev: boolean;
  /** The app's page from which the console can be opened again; null if unknown. */
  returnUrl: string | null;
}

/** Shown to a browser without a session. The host app opens one; `evergrant dev` does so itself. */
export function SignedOutPage({ hadSession, dev, returnUrl }: SignedOutPageProps) {
  const { signedOut } = useStrings();
  return (
    <Message
      standalone
      title={signedOut.title}
      text={hadSession ? signedOut.sessionEnded : signedOut.noSession}
    >
      {returnUrl && <BackLink url={returnUrl} />}
      {dev && (
        <button type="button" className="action" onClick={() => location.reload()}>
          {signedOut.signInAgain}
        </button>
      )}
    </Message>
  );
}
