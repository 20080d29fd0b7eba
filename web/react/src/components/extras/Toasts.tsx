import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { ClientEvent } from '../../client/client-types.js';
import type { Integration } from '../../client/types.js';
import { errorText } from '../../messages/error-text.js';
import type { Messages } from '../../messages/types.js';
import { useEvergrantClient } from '../../react/context.js';
import { Glyph } from '../Glyph.js';
import { nameOf } from '../../client/names.js';
import { hideToast, showToast, type Toast, toasts } from '../toasts.js';
import { LiveRegion } from './LiveRegion.js';
import { useFullUi } from './useFullUi.js';

/** How long a toast is shown, in milliseconds. */
const SHOWN_MS = 6000;
/** The events whose toast has a mark, and which. */
const STATUS: Partial<Record<ClientEvent['type'], Toast['status']>> = {
  failed: 'error',
  'needs-reconnect': 'expired',
};

/** The corner of the window in which toasts are shown; `early` are the events from before this module was loaded. */
export function Toasts({ early }: { early: ClientEvent[] }) {
  const { root } = useFullUi();
  const shown = useSyncExternalStore(toasts.subscribe, toasts.get);
  const corner = useRef<HTMLDivElement>(null);
  useClientToasts(early);

  const last = shown.at(-1)?.id;
  useEffect(() => {
    if (last !== undefined && corner.current) raise(corner.current);
  }, [last]);

  return (
    <>
      <LiveRegion />
      <div {...root} ref={corner} popover="manual" className="eg-root eg-toaster">
        {shown.map((toast) => (
          <ToastView key={toast.id} toast={toast} />
        ))}
      </div>
    </>
  );
}

/** Shows the corner. If a modal dialog is open, shows it again, so that it is above the dialog; the focus stays there. */
function raise(corner: HTMLElement): void {
  if (corner.matches(':popover-open') && !document.querySelector(':modal')) return;
  corner.hidePopover();
  corner.showPopover();
}

function ToastView({ toast }: { toast: Toast }) {
  const { messages } = useFullUi();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** The element that had the focus before the toast, which gets it back when the toast is dismissed. */
  const previousFocus = useRef<EventTarget>(null);
  const hide = () => hideToast(toast.id);
  const wait = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(hide, SHOWN_MS);
  };
  const hold = () => clearTimeout(timer.current);
  function dismiss(): void {
    if (previousFocus.current instanceof HTMLElement) previousFocus.current.focus();
    hide();
  }
  useEffect(() => {
    wait();
    return hold;
    // Starts the timer once per toast.
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);
  return (
    <div
      className="eg-toast"
      data-status={toast.status}
      onPointerEnter={hold}
      onPointerLeave={wait}
      onFocus={({ relatedTarget }) => {
        hold();
        previousFocus.current = relatedTarget;
      }}
      onBlur={wait}
    >
      {toast.status && <span className="eg-mark" aria-hidden="true" />}
      <p>{toast.text}</p>
      <button type="button" className="eg-close" aria-label={messages.toast.dismiss} onClick={dismiss}>
        <Glyph name="close" />
      </button>
    </div>
  );
}

/** Shows a toast for each event of the client. */
function useClientToasts(early: ClientEvent[]): void {
  const client = useEvergrantClient();
  const { messages, format } = useFullUi();
  useEffect(() => {
    const show = (event: ClientEvent) => {
      const { providers, integrations } = client.getSnapshot();
      const entry = (id: string) => providers.find((one) => one.provider === id);
      const provider = (id: string) => entry(id)?.name ?? id;
      const isSession = (id: string) => entry(id)?.kind === 'cookies';
      const account = (id: string) => integrations.find((one) => one.providerAccountId === id);
      const text = textOf(event, messages, { list: format.list, provider, account, isSession });
      if (text) showToast(text, STATUS[event.type]);
    };
    early.splice(0).forEach(show);
    return client.on(show);
  }, [client, messages, format, early]);
}

/** The names that toasts contain. */
interface Names {
  list(items: readonly string[]): string;
  /** Returns a platform's name. */
  provider(id: string): string;
  account(accountId: string): Integration | undefined;
  /** Whether accounts of the platform are connected with a session from a browser. */
  isSession(id: string): boolean;
}

/** Returns the text of an event's toast; null if it has none. */
function textOf(event: ClientEvent, messages: Messages, names: Names): string | null {
  const { toast } = messages;
  switch (event.type) {
    case 'connected': {
      const accounts = event.integrations.map(nameOf);
      return toast.connected(accounts, names.list(accounts), names.provider(event.provider));
    }
    case 'disconnected':
      return toast.disconnected[names.isSession(event.provider) ? 'session' : event.revocation](
        names.provider(event.provider),
      );
    case 'refreshed': {
      const account = names.account(event.accountId);
      return account ? toast.refreshed(nameOf(account)) : null;
    }
    case 'failed':
      // Other failures are shown in the flow's card or in the dialog.
      if (event.during !== 'refresh') return null;
      return errorText(event.error, { provider: names.provider(event.provider), errors: messages.errors });
    case 'needs-reconnect':
      return messages.banner.one(nameOf(event.integration), names.provider(event.integration.provider));
  }
}
