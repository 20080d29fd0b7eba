/** What the core needs of the page from the first moment, as one object, so that it is tested without a browser. */

/** A window that was opened in a click, blank, to be sent on later. */
export interface Popup {
  /** Also true while a page in it that isolates itself (COOP) keeps us from seeing it. */
  readonly closed: boolean;
  /** Whether a message came from it. */
  sent(message: MessageEvent): boolean;
  go(url: string): void;
  focus(): void;
  close(): void;
}

export interface Page {
  /** Null where the browser blocks it. */
  openPopup(): Popup | null;
  /** This page's address. */
  address(): string;
  /** A finger rather than a mouse: windows are clumsy there. */
  isCoarse(): boolean;
  isHidden(): boolean;
  /** Calls back when the user may have come back to this page. */
  onReturn(listener: () => void): () => void;
}

/** The one window; a second flow takes it over. */
const POPUP_NAME = 'evergrant';
const WIDTH = 520;
const HEIGHT = 720;

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
      sent: ({ source, origin }) => source === opened && origin === location.origin,
      go: (url) => opened.location.replace(url),
      focus: () => opened.focus(),
      close: () => opened.close(),
    }
  );
}

export function onReturn(listener: () => void): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  const seen = () => document.hidden || listener();
  document.addEventListener('visibilitychange', seen, { signal });
  window.addEventListener('focus', seen, { signal });
  window.addEventListener('online', seen, { signal });
  // From the back/forward cache.
  window.addEventListener('pageshow', ({ persisted }) => persisted && listener(), { signal });
  return () => gone.abort();
}
