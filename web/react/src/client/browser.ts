/** The browser features that a flow needs in addition to `Page`. */

/** The part of `Storage` that flow records use. */
export type KeyValueStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

/** The browser features that a flow needs, as one object that tests can replace. */
export interface Browser {
  /** Navigates this page to another URL. */
  leave(url: string): void;
  /** Replaces the URL shown for this page without loading it. */
  setAddress(url: string): void;
  /** Storage shared by all tabs of the site; null if the browser blocks it. */
  local(): KeyValueStore | null;
  /** Storage of this tab; null if the browser blocks it. */
  session(): KeyValueStore | null;
  /** Whether this page has the focus. */
  hasFocus(): boolean;
  /** Whether `crypto.subtle` is available: the page is served over https or from loopback. */
  isSecure(): boolean;
  /** Subscribes to messages from other windows. Returns the function that unsubscribes. */
  onMessage(listener: (message: MessageEvent) => void): () => void;
  /** Notifies the page that opened this window of a change in a flow's state, if it has the same origin. */
  notifyOpener(flowId: string): void;
  /** Closes this window. Returns false if the browser refuses, as it does for windows that no page opened. */
  closeSelf(): boolean;
}

/** The message to the page that opened this window. It only names the flow whose state to read from the server. */
export interface FlowMessage {
  /** Distinguishes the message from those of other scripts. */
  type: 'evergrant:flow';
  /** The flow whose state has changed. */
  flowId: string;
}

/** Creates the `Browser` of the current window. */
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
    notifyOpener(flowId) {
      const message: FlowMessage = { type: 'evergrant:flow', flowId };
      (window.opener as Window | null)?.postMessage(message, location.origin);
    },
    closeSelf() {
      window.close();
      return window.closed;
    },
  };
}

/** Reading `window.localStorage` throws if the browser blocks storage for the site. */
function storage(name: 'localStorage' | 'sessionStorage'): KeyValueStore | null {
  try {
    return window[name];
  } catch {
    return null;
  }
}
