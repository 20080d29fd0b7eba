import { inAppBrowser } from '../../client/in-app.js';
import { Button } from '../Button.js';
import { copy } from '../copy.js';
import { useFullUi } from './useFullUi.js';

/** Says so where the page runs in an app's own browser, in which platforms refuse to sign people in. */
export function InAppNotice() {
  const { messages } = useFullUi();
  if (!inAppBrowser()) return null;
  return (
    <div className="eg-banner" data-status="expiring" role="note">
      <span className="eg-mark" aria-hidden="true" />
      <div className="eg-banner-body">
        <p>{messages.inApp.text}</p>
        <Button variant="primary" onClick={() => void copy(location.href, messages)}>
          {messages.inApp.copyLink}
        </Button>
      </div>
    </div>
  );
}
