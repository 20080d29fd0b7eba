/** What a flow needs of the browser beyond the page. */

export type KeyValueStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface Browser {
  /** Sends this page elsewhere. */
  leave(url: string): void;
  /** Changes the shown address without loading it. */
  setAddress(url: string): void;
  /** Shared by the site's tabs; null where the browser keeps nothing. */
  local(): KeyValueStore | null;
  /** Of this tab alone. */
  session(): KeyValueStore | null;
  /** Whether the user looks at this page rather than at another window. */
  hasFocus(): boolean;
  /** Whether there is `crypto.subtle`. */
  isSecure(): boolean;
  onMessage(listener: (message: MessageEvent) => void): () => void;
  /** Tells the page that opened this one, if it is of this origin, that a flow went on. */
  tellOpener(flowId: string): void;
  /** Closes this window if it was opened by a page; false where it stays. */
  closeSelf(): boolean;
}

/** What a page says to the one that opened it: which flow to ask the server about, and nothing else. */
export interface FlowMessage {
  type: 'evergrant:flow';
  flowId: string;
}

export function createBrowser(): Browser {
  return {
    leave: (url) => location.assign(url),
    setAddress: (url) => history.replaceState(history.state, '', url),
    local: () => storage('localStorage'),
    session: () => storage('sessionStorage'),
    hasFocus: () => document.hasFocus(),
    isSecure: () => globalThis.crypto?.subtle !== undefined,
    onMessage(listener) {
      window.addEventListener('message', listener);
      return () => window.removeEventListener('message', listener);
    },
    tellOpener(flowId) {
      const message: FlowMessage = { type: 'evergrant:flow', flowId };
      (window.opener as Window | null)?.postMessage(message, location.origin);
    },
    closeSelf() {
      window.close();
      return window.closed;
    },
  };
}

function storage(name: 'localStorage' | 'sessionStorage'): KeyValueStore | null {
  try {
    return window[name];
  } catch {
    return null;
  }
}
