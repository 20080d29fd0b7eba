/**
 * The records of the flows that this browser has started; above all the PKCE verifier of each.
 *
 * Records are in `localStorage`, because on phones a consent may return in a new tab. They expire after ten minutes,
 * when the server no longer accepts the verifier.
 */
import type { Browser, KeyValueStore } from './browser.js';
import { EvergrantError } from './error.js';

/** What this browser stores about a flow until it has been finished. */
export interface FlowRecord {
  /** The platform. */
  provider: string;
  /** Whether the consent page was opened in a window or in the page itself. */
  mode: 'popup' | 'redirect';
  /** The account to reconnect; absent for a new connection. */
  accountId?: string | undefined;
  /** The URL of the page that started the flow. */
  returnTo: string;
  /** When the record expires, in milliseconds since the epoch. */
  expiresAt: number;
  /** The PKCE verifier; absent once the flow is cancelled, so that a consent that returns later is not finished. */
  verifier?: string;
  /** The receipt that returned with the consent; absent until then. */
  receipt?: string;
}

const PREFIX = 'evergrant:flow:';
const LIFETIME_MS = 10 * 60_000;

/** The stored records. */
export type FlowRecords = ReturnType<typeof createFlowRecords>;

/** Creates the access to the stored records and deletes the expired ones. */
export function createFlowRecords(browser: Pick<Browser, 'local'>) {
  const store = () => browser.local();

  function read(flowId: string): FlowRecord | null {
    const storage = store();
    return storage && parse(storage, PREFIX + flowId);
  }

  function write(flowId: string, record: FlowRecord): void {
    try {
      const storage = store();
      if (!storage) throw new Error('no storage');
      storage.setItem(PREFIX + flowId, JSON.stringify(record));
    } catch (cause) {
      throw new EvergrantError('STORAGE_BLOCKED', 'The browser blocks storage', { cause });
    }
  }

  /** Deletes expired records; pages that could read them may never be opened again. */
  function sweep(): void {
    for (const key of keys(store())) parse(store(), key);
  }

  sweep();
  return {
    read,
    create(flowId: string, record: Omit<FlowRecord, 'expiresAt'>): void {
      sweep();
      write(flowId, { ...record, expiresAt: Date.now() + LIFETIME_MS });
    },
    /** Adds the receipt to the record, for the page that finishes the flow. */
    storeReceipt(flowId: string, receipt: string): void {
      const record = read(flowId);
      if (record) write(flowId, { ...record, receipt });
    },
    /** Removes the secrets and keeps the rest: this browser started the flow and has cancelled it. */
    cancel(flowId: string): void {
      const record = read(flowId);
      if (!record) return;
      const { verifier: _verifier, receipt: _receipt, ...rest } = record;
      write(flowId, rest);
    },
    remove: (flowId: string): void => store()?.removeItem(PREFIX + flowId),
    /** Returns the newest flow of a platform. Return URLs that report an error may not name the flow. */
    latest: (provider: string) => latest(store(), provider),
  };
}

function keys(store: KeyValueStore | null): string[] {
  const all = Array.from({ length: store?.length ?? 0 }, (_, index) => store?.key(index) ?? '');
  return all.filter((key) => key.startsWith(PREFIX));
}

/** Reads a record. One that is expired or malformed is deleted and reported as null. */
function parse(store: KeyValueStore | null, key: string): FlowRecord | null {
  const text = store?.getItem(key);
  if (!text) return null;
  try {
    const record = JSON.parse(text) as FlowRecord;
    if (record.expiresAt > Date.now()) return record;
  } catch {
    // Malformed: deleted below.
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
