/** Fake `Browser`, `Page` and `Tabs` for tests in Node.js, with methods for the user's actions. */
import type { Browser, KeyValueStore } from '../browser.js';
import type { Page, Popup } from '../page.js';
import type { TabMessage, Tabs } from '../tabs.js';

/** `Storage` in memory. */
export class FakeStorage implements KeyValueStore {
  readonly map = new Map<string, string>();
  get length(): number {
    return this.map.size;
  }
  key = (place: number) => [...this.map.keys()][place] ?? null;
  getItem = (key: string) => this.map.get(key) ?? null;
  setItem = (key: string, value: string) => void this.map.set(key, value);
  removeItem = (key: string) => void this.map.delete(key);
}

/** Records the URLs that a popup is sent to. */
export class FakePopup implements Popup {
  closed = false;
  urls: string[] = [];
  focused = 0;
  isSource = (message: MessageEvent) => message.source === (this as unknown);
  go = (url: string) => void this.urls.push(url);
  focus = () => void this.focused++;
  close = () => void (this.closed = true);
}

/** One tab. Tabs of the same site share `site.local` and a `FakeHub`. */
export class FakeBrowser implements Browser, Page {
  href = 'https://app.example/settings?tab=1#accounts';
  /** URLs that `leave` was called with. */
  left: string[] = [];
  popups: FakePopup[] = [];
  /** Whether the browser blocks popups. */
  blocked = false;
  coarse = false;
  focused = true;
  secure = true;
  hidden = false;
  openerNotifications: string[] = [];
  isClosable = false;
  isClosed = false;
  readonly tab = new FakeStorage();
  #returns = new Set<() => void>();
  #messages = new Set<(message: MessageEvent) => void>();

  constructor(readonly site: { local: FakeStorage | null } = { local: new FakeStorage() }) {}

  get popup(): FakePopup | undefined {
    return this.popups.at(-1);
  }
  openPopup = () => {
    if (this.blocked) return null;
    const popup = new FakePopup();
    this.popups.push(popup);
    return popup;
  };
  address = () => this.href;
  setAddress = (url: string) => void (this.href = url);
  leave = (url: string) => void this.left.push(url);
  local = () => this.site.local;
  session = () => this.tab;
  isCoarse = () => this.coarse;
  hasFocus = () => this.focused;
  isHidden = () => this.hidden;
  isSecure = () => this.secure;
  notifyOpener = (flowId: string) => void this.openerNotifications.push(flowId);
  closeSelf = () => {
    this.isClosed = this.isClosable;
    return this.isClosed;
  };
  onReturn = (listener: () => void) => {
    this.#returns.add(listener);
    return () => void this.#returns.delete(listener);
  };
  onMessage = (listener: (message: MessageEvent) => void) => {
    this.#messages.add(listener);
    return () => void this.#messages.delete(listener);
  };

  /** The user returns to this tab. */
  comeBack(): void {
    for (const listener of this.#returns) listener();
  }
  /** Another window posts a message to this tab. */
  receive(message: Partial<MessageEvent>): void {
    for (const listener of this.#messages) listener(message as MessageEvent);
  }
}

/**
 * The tabs of one site. The first tab that requested to lead is the leader; the next one follows
 * it.
 */
export class FakeHub {
  #listeners = new Set<(message: TabMessage) => void>();
  #queue: { run: () => () => void; end?: () => void }[] = [];
  /** Every message posted. */
  log: TabMessage[] = [];

  tabs(): Tabs {
    let own: ((message: TabMessage) => void) | undefined;
    return {
      post: (message) => {
        this.log.push(message);
        for (const listener of this.#listeners) if (listener !== own) listener(message);
      },
      listen: (listener) => {
        own = listener;
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      lead: (_scope, run) => {
        const place: { run: () => () => void; end?: () => void } = { run };
        this.#queue.push(place);
        this.#next();
        return () => {
          this.#queue = this.#queue.filter((one) => one !== place);
          place.end?.();
          this.#next();
        };
      },
    };
  }

  #next(): void {
    const first = this.#queue[0];
    if (first && !first.end) first.end = first.run();
  }
}
