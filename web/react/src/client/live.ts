/** What a page needs only once its list is shown: the stream of events, led by one tab for all. Loaded apart. */
import type { Api } from './api.js';
import type { ServerEvent } from './events.js';
import { openStream } from './stream.js';
import { createTabs, type TabMessage, type Tabs } from './tabs.js';

export interface LiveOptions {
  api: Api;
  tabs: Tabs | undefined;
  /** Whose status it is: tabs of another scope are none of ours. */
  scope: string;
  /** The version that is known here. */
  version(): number | null;
  /** Something may have changed up to this version. */
  onVersion(version: number): void;
  onEvent(event: ServerEvent): void;
  onFlow(flowId: string): void;
  /** Whether changes arrive at once. */
  onLive(live: boolean): void;
}

/** Follows the server's events, by this tab or another; until what it answers is called. */
export function follow(options: LiveOptions): () => void {
  const { tabs = createTabs(), scope, onEvent, onFlow, onLive, onVersion } = options;
  let leads = false;
  let live = false;

  const told = (message: TabMessage) => {
    if (message.type === 'flow') onFlow(message.flowId);
    else if (message.scope !== scope) return;
    else if (message.type === 'changed') onVersion(message.version);
    else if (message.type === 'live' && !leads) onLive(message.live);
    else if (message.type === 'hello' && leads) tabs.tell({ type: 'live', scope, live });
  };
  const heard = (event: ServerEvent) => {
    onEvent(event);
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
    return openStream({ api: options.api, version: options.version, onEvent: heard, onOpen: opened });
  });
  tabs.tell({ type: 'hello', scope });
  return () => {
    resign();
    deaf();
  };
}
