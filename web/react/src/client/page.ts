/** The browser features that the client needs from the start, as one object that tests can replace. */

/** A window that was opened in a click with a blank page. */
export interface Popup {
  /** Whether the window is closed. Also true while it shows a page that isolates itself (COOP). */
  readonly closed: boolean;
  /** Whether the message comes from a page of this origin in the window. */
  isSource(message: MessageEvent): boolean;
  /** Navigates the window. */
  go(url: string): void;
  /** Brings the window to the front. */
  focus(): void;
  /** Closes the window. */
  close(): void;
}

/** The page that the client runs in. */
export interface Page {
  /** Opens the consent window; null if the browser blocks it. Must be called in a click handler. */
  openPopup(): Popup | null;
  /** Returns this page's URL. */
  address(): string;
  /** Whether the primary pointer is coarse, as on a touch screen, where windows are inconvenient. */
  isCoarse(): boolean;
  /** Whether the page is in the background. */
  isHidden(): boolean;
  /** Calls `listener` when the user may have returned to this page. Returns the function that unsubscribes. */
  onReturn(listener: () => void): () => void;
}

/** The name of the consent window. There is only one: a second flow uses the same window. */
const POPUP_NAME = 'evergrant';
/** The size of the consent window, in CSS pixels. */
const WIDTH = 520;
const HEIGHT = 720;

/** Creates the `Page` of the current window. */
export function createPage(): Page {
  return {
    openPopup,
    address: () => location.href,
    isCoarse: () => matchMedia('(pointer: coarse)').matches,
    isHidden: () => document.hidden,
    onReturn,
  };
}

function openPopup(): Popup | null {
  const left = Math.max(0, screenX + (outerWidth - WIDTH) / 2);
  const top = Math.max(0, screenY + (outerHeight - HEIGHT) / 2);
  const features = `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`;
  const opened = window.open('about:blank', POPUP_NAME, features);
  return (
    opened && {
      get closed() {
        return opened.closed;
      },
      isSource: ({ source, origin }) => source === opened && origin === location.origin,
      go: (url) => opened.location.replace(url),
      focus: () => opened.focus(),
      close: () => opened.close(),
    }
  );
}

/**
 * Calls `listener` when the page becomes visible or focused, the browser goes online, or the page is restored from the
 * back/forward cache. Returns the function that unsubscribes.
 */
export function onReturn(listener: () => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const onSeen = () => document.hidden || listener();
  document.addEventListener('visibilitychange', onSeen, { signal });
  window.addEventListener('focus', onSeen, { signal });
  window.addEventListener('online', onSeen, { signal });
  window.addEventListener('pageshow', ({ persisted }) => persisted && listener(), { signal });
  return () => controller.abort();
}
