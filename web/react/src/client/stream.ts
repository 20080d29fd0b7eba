/** The stream of server-sent events while this tab leads. Reconnects with backoff and resumes at the known version. */
import { waitAfter } from './backoff.js';
import { asError, type EvergrantError } from './error.js';
import type { ServerEvent } from './events.js';
import type { Send } from './http.js';
import { pause, until } from './pause.js';
import type { Snapshot } from './snapshot.js';
import { createSseParser } from './sse.js';
import type { Store } from './store.js';

/** What `openStream` depends on. */
export interface StreamOptions {
  /** Sends requests to the server. */
  send: Send;
  /** The client's state, whose version the stream resumes at. */
  store: Store<Snapshot>;
  /** Called with each event. */
  onEvent(event: ServerEvent): void;
  /** Called with true when the stream opens, and with false when it ends or cannot be opened. */
  onOpen(open: boolean): void;
}

/** The stream is reopened after this time without data. The server sends a comment every 15 s; this allows for three. */
const IDLE_TIMEOUT_MS = 50_000;
/** The delay before a stream that the server has ended is reopened. It ends streams whose credential has expired. */
const REOPEN_DELAY_MS = 500;

/** Opens the stream and keeps it open. Returns the function that closes it. */
export function openStream(options: StreamOptions): () => void {
  const controller = new AbortController();
  void run(options, controller.signal);
  return () => controller.abort();
}

async function run({ send, store, onEvent, onOpen }: StreamOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    let error: EvergrantError | undefined;
    try {
      await readOnce(send, store.get().version, signal, (event) => {
        failures = 0;
        if (event.type === 'ready') onOpen(true);
        onEvent(event);
      });
    } catch (thrown) {
      error = asError(thrown);
      // The server has no events; polling continues.
      if (error.status === 404 || error.status === 405 || error.status === 501) return;
      failures++;
    }
    if (signal.aborted) return;
    onOpen(false);
    // Only the user can fix a missing credential; the next successful read shows that it is fixed.
    if (error?.code === 'UNAUTHENTICATED' || error?.code === 'FORBIDDEN') await nextRead(store, signal);
    else await pause(error ? waitAfter(error, failures) : REOPEN_DELAY_MS, signal);
  }
}

/** Reads one response until it ends, is aborted, or times out. */
async function readOnce(
  send: Send,
  version: number | null,
  signal: AbortSignal,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
  try {
    const response = await send('events', {
      isStream: true,
      signal: AbortSignal.any([signal, idle.signal]),
      headers: {
        accept: 'text/event-stream',
        ...(version === null ? {} : { 'last-event-id': String(version) }),
      },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const parse = createSseParser(({ event, data }) => onEvent({ ...JSON.parse(data), type: event }));
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
      parse(read.value);
    }
  } finally {
    clearTimeout(timer);
    // Closes the response in any case, so that no second stream is opened beside it.
    idle.abort();
  }
}

/** Resolves after the next successful read of the status, or when `signal` fires. */
function nextRead(store: Store<Snapshot>, signal: AbortSignal): Promise<void> {
  const { readAt } = store.get();
  return until(signal, (done) => store.subscribe(() => store.get().readAt !== readAt && done()));
}
