/** What a page needs only once its list is shown: the stream of events, led by one tab for all. Loaded apart. */
import { type ServerEvent, withEvent } from './events.js';
import type { Send } from './http.js';
import type { Snapshot } from './snapshot.js';
import type { Store } from './store.js';
import { openStream } from './stream.js';
import { createTabs, type TabMessage, type Tabs } from './tabs.js';

export interface LiveOptions {
  send: Send;
  tabs: Tabs | undefined;
  store: Store<Snapshot>;
  /** Whose status it is: tabs of another scope are none of ours. */
  scope: string;
  /** Reads the status again. */
  reload(): Promise<void>;
  onFlow(flowId: string): void;
  /** Whether changes arrive at once. */
  onLive(live: boolean): void;
}

/** Follows the server's events, by this tab or another; until what it answers is called. */
export function follow(options: LiveOptions): () => void {
  const { send, store, tabs = createTabs(), scope, onFlow, onLive } = options;
  let leads = false;
  let live = false;

  const told = (message: TabMessage) => {
    if (message.type === 'flow') onFlow(message.flowId);
    else if (message.scope !== scope) return;
    else if (message.type === 'changed') catchUp(options, message.version);
    else if (message.type === 'live' && !leads) onLive(message.live);
    else if (message.type === 'hello' && leads) tabs.tell({ type: 'live', scope, live });
  };
  const heard = (event: ServerEvent) => {
    take(options, event);
    if (event.type === 'flow') tabs.tell({ type: 'flow', flowId: event.flowId });
    else tabs.tell({ type: 'changed', scope, version: event.version });
  };
  const opened = (open: boolean) => {
    live = open;
    onLive(open);
    tabs.tell({ type: 'live', scope, live });
  };

  const deaf = tabs.listen(told);
  const resign = tabs.lead(scope, () => {
    leads = true;
    return openStream({ send, store, onEvent: heard, onOpen: opened });
  });
  tabs.tell({ type: 'hello', scope });
  return () => {
    resign();
    deaf();
  };
}

function take(options: LiveOptions, event: ServerEvent): void {
  const { store, reload, onFlow } = options;
  if (event.type === 'flow') onFlow(event.flowId);
  else if (event.type === 'reset') void reload();
  else if (event.type === 'ready') catchUp(options, event.version);
  else store.set(withEvent(store.get(), event));
}

/** Something may have changed up to this version. */
function catchUp({ store, reload }: LiveOptions, version: number): void {
  if (version > (store.get().version ?? -1)) void reload();
}
