/**
 * What this browser keeps of a flow until it is finished: the verifier above all.
 *
 * It lies in `localStorage`, because a phone's app may come back in a new tab, and for ten minutes at most, after which
 * the server takes no verifier any more.
 */
import type { Browser, KeyValueStore } from './browser.js';
import { EvergrantError } from './error.js';

export interface FlowRecord {
  provider: string;
  mode: 'popup' | 'redirect';
  /** The page on which the flow was begun. */
  returnTo: string;
  /** Milliseconds of the epoch. */
  expiresAt: number;
  /** Gone once the flow is cancelled: what comes back then is not taken. */
  verifier?: string;
  /** Came back with the consent. */
  receipt?: string;
}

const PREFIX = 'evergrant:flow:';
const LIFETIME_MS = 10 * 60_000;

export type FlowRecords = ReturnType<typeof createFlowRecords>;

export function createFlowRecords(browser: Pick<Browser, 'local'>) {
  const store = () => browser.local();

  function read(flowId: string): FlowRecord | null {
    const at = store();
    return at && parse(at, PREFIX + flowId);
  }

  function write(flowId: string, record: FlowRecord): void {
    try {
      const at = store();
      if (!at) throw new Error('no storage');
      at.setItem(PREFIX + flowId, JSON.stringify(record));
    } catch (cause) {
      throw new EvergrantError('STORAGE_BLOCKED', 'The browser keeps nothing for this site', { cause });
    }
  }

  /** What is over may be nobody's to read any more. */
  function sweep(): void {
    for (const key of keys(store())) parse(store(), key);
  }

  sweep();
  return {
    read,
    begin(flowId: string, record: Omit<FlowRecord, 'expiresAt'>): void {
      sweep();
      write(flowId, { ...record, expiresAt: Date.now() + LIFETIME_MS });
    },
    /** Keeps the receipt beside the verifier, for whichever of our pages finishes. */
    keepReceipt(flowId: string, receipt: string): void {
      const record = read(flowId);
      if (record) write(flowId, { ...record, receipt });
    },
    /** Leaves a note that this browser began it and no longer wants it. */
    cancel(flowId: string): void {
      const record = read(flowId);
      if (!record) return;
      const { verifier: _verifier, receipt: _receipt, ...rest } = record;
      write(flowId, rest);
    },
    remove: (flowId: string): void => store()?.removeItem(PREFIX + flowId),
    /** The youngest flow of a platform: an address that tells of a failure does not say of which flow. */
    latest: (provider: string) => latest(store(), provider),
  };
}

function keys(store: KeyValueStore | null): string[] {
  const all = Array.from({ length: store?.length ?? 0 }, (_, place) => store?.key(place) ?? '');
  return all.filter((key) => key.startsWith(PREFIX));
}

/** Null, and erased, where it is over or not one of ours. */
function parse(store: KeyValueStore | null, key: string): FlowRecord | null {
  const text = store?.getItem(key);
  if (!text) return null;
  try {
    const record = JSON.parse(text) as FlowRecord;
    if (record.expiresAt > Date.now()) return record;
  } catch {
    // Falls through to its erasure.
  }
  store?.removeItem(key);
  return null;
}

function latest(
  store: KeyValueStore | null,
  provider: string,
): { flowId: string; record: FlowRecord } | null {
  const found = keys(store).flatMap((key) => {
    const record = parse(store, key);
    return record?.provider === provider ? [{ flowId: key.slice(PREFIX.length), record }] : [];
  });
  found.sort((one, other) => other.record.expiresAt - one.record.expiresAt);
  return found[0] ?? null;
}
