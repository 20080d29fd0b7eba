/** Live updates: the stream of events, held by one tab for all. Loaded on demand, after the list. */
import { type ServerEvent, withEvent } from './events.js';
import type { Send } from './http.js';
import type { Snapshot } from './snapshot.js';
import type { Store } from './store.js';
import { openStream } from './stream.js';
import { createTabs, type TabMessage, type Tabs } from './tabs.js';

/** What `follow` depends on. */
export interface LiveOptions {
  /** Sends requests to the server. */
  send: Send;
  /** The communication with other tabs; undefined for the window's own. */
  tabs: Tabs | undefined;
  /** The client's state. */
  store: Store<Snapshot>;
  /** Identifies the server and the user; messages of tabs with another scope are ignored. */
  scope: string;
  /** Reads the status again. */
  reload(): Promise<void>;
  /** Called when the state of a flow has changed. */
  onFlow(flowId: string): void;
  /** Called with whether changes arrive by stream, in this tab or in the leader. */
  onLive(live: boolean): void;
}

/** Receives the server's events, in this tab or through the leading one. Returns the function that stops it. */
export function follow(options: LiveOptions): () => void {
  const { send, store, tabs = createTabs(), scope, onFlow, onLive } = options;
  let leads = false;
  let live = false;

  const onMessage = (message: TabMessage) => {
    if (message.type === 'flow') onFlow(message.flowId);
    else if (message.scope !== scope) return;
    else if (message.type === 'changed') catchUp(options, message.version);
    else if (message.type === 'reset') readAgain(options);
    else if (message.type === 'live' && !leads) onLive(message.live);
    else if (message.type === 'hello' && leads) tabs.post({ type: 'live', scope, live });
  };
  const onEvent = (event: ServerEvent) => {
    apply(options, event);
    if (event.type === 'flow') tabs.post({ type: 'flow', flowId: event.flowId });
    else tabs.post({ type: event.type === 'reset' ? 'reset' : 'changed', scope, version: event.version });
  };
  const onOpen = (open: boolean) => {
    live = open;
    onLive(open);
    tabs.post({ type: 'live', scope, live });
  };

  const stopListening = tabs.listen(onMessage);
  const resign = tabs.lead(scope, () => {
    leads = true;
    return openStream({ send, store, onEvent, onOpen });
  });
  tabs.post({ type: 'hello', scope });
  return () => {
    resign();
    stopListening();
  };
}

function apply(options: LiveOptions, event: ServerEvent): void {
  const { store, onFlow } = options;
  if (event.type === 'flow') onFlow(event.flowId);
  else if (event.type === 'reset') readAgain(options);
  else if (event.type === 'ready') catchUp(options, event.version);
  else store.set(withEvent(store.get(), event));
}

/** Reads the status, also of a version below the state's: the server's database may have been restored from a copy. */
function readAgain({ store, reload }: LiveOptions): void {
  store.set({ ...store.get(), version: null });
  void reload();
}

/** Reads the status if the server's version is newer than the state. */
function catchUp({ store, reload }: LiveOptions, version: number): void {
  if (version > (store.get().version ?? -1)) void reload();
}
