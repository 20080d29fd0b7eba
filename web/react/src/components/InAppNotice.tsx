import { inAppBrowser } from '../client/in-app.js';
import { Button } from './Button.js';
import { copyText } from './copy.js';
import { useUi } from './ui.js';
import { useAfterFirstRender } from './useAfterFirstRender.js';

/** The notice for browsers built into apps, in which platforms refuse to sign users in. */
export function InAppNotice() {
  const { messages } = useUi();
  if (!useAfterFirstRender() || !inAppBrowser()) return null;
  return (
    <div className="eg-banner" data-status="expiring" role="note">
      <span className="eg-mark" aria-hidden="true" />
      <div className="eg-banner-body">
        <p>{messages.inApp.text}</p>
        <Button variant="primary" onClick={() => void copyText(location.href, messages)}>
          {messages.inApp.copyLink}
        </Button>
      </div>
    </div>
  );
}
