import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { ClientEvent } from '../../client/client-types.js';
import type { Integration } from '../../client/types.js';
import { errorText } from '../../messages/error-text.js';
import type { Messages } from '../../messages/types.js';
import { useEvergrantClient } from '../../react/context.js';
import { Glyph } from '../Glyph.js';
import { nameOf } from '../names.js';
import { hideToast, showToast, type Toast, toasts } from '../toasts.js';
import { Said } from './Said.js';
import { useFullUi } from './useFullUi.js';

const SHOWN_MS = 6000;
const STATUS: Partial<Record<ClientEvent['type'], Toast['status']>> = {
  failed: 'error',
  'needs-reconnect': 'expired',
};

/** The corner in which is said what has just happened; `early` is what happened before this was loaded. */
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
      <Said />
      <div {...root} ref={corner} popover="manual" className="eg-root eg-toaster">
        {shown.map((toast) => (
          <ToastView key={toast.id} toast={toast} />
        ))}
      </div>
    </>
  );
}

/** Shows it, anew only above a dialog that was opened meanwhile: whoever is in it keeps the focus. */
function raise(corner: HTMLElement): void {
  if (corner.matches(':popover-open') && !document.querySelector(':modal')) return;
  corner.hidePopover();
  corner.showPopover();
}

function ToastView({ toast }: { toast: Toast }) {
  const { messages } = useFullUi();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const cameFrom = useRef<EventTarget>(null);
  const hide = () => hideToast(toast.id);
  const wait = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(hide, SHOWN_MS);
  };
  const hold = () => clearTimeout(timer.current);
  function dismiss(): void {
    if (cameFrom.current instanceof HTMLElement) cameFrom.current.focus();
    hide();
  }
  useEffect(() => {
    wait();
    return hold;
    // Once for each toast: it has one life.
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
        cameFrom.current = relatedTarget;
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

function useClientToasts(early: ClientEvent[]): void {
  const client = useEvergrantClient();
  const { messages, format } = useFullUi();
  useEffect(() => {
    const tell = (event: ClientEvent) => {
      const { providers, integrations } = client.getSnapshot();
      const platform = (id: string) => providers.find(({ provider }) => provider === id)?.name ?? id;
      const account = (id: string) => integrations.find((one) => one.providerAccountId === id);
      const text = textOf(event, messages, { list: format.list, platform, account });
      if (text) showToast(text, STATUS[event.type]);
    };
    early.splice(0).forEach(tell);
    return client.on(tell);
  }, [client, messages, format, early]);
}

interface Names {
  list(items: readonly string[]): string;
  platform(provider: string): string;
  account(accountId: string): Integration | undefined;
}

function textOf(event: ClientEvent, messages: Messages, names: Names): string | null {
  const { toast } = messages;
  switch (event.type) {
    case 'connected': {
      const accounts = event.integrations.map(nameOf);
      return toast.connected(accounts, names.list(accounts), names.platform(event.provider));
    }
    case 'disconnected':
      return toast.disconnected[event.revocation](names.platform(event.provider));
    case 'refreshed': {
      const account = names.account(event.accountId);
      return account ? toast.renewed(nameOf(account)) : null;
    }
    case 'failed':
      // A flow's failure stands in its card, and a dialog's in the dialog.
      if (event.during !== 'refresh') return null;
      return errorText(messages, event.error.code, names.platform(event.provider));
    case 'needs-reconnect':
      return messages.banner.one(nameOf(event.integration), names.platform(event.integration.provider));
  }
}
