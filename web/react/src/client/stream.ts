/** The server's events, for as long as this tab leads: opened again with backoff, from the version that is known. */
import { waitAfter } from './backoff.js';
import { asError, type EvergrantError } from './error.js';
import type { ServerEvent } from './events.js';
import type { Send } from './http.js';
import { pause, until } from './pause.js';
import type { Snapshot } from './snapshot.js';
import { createSseParser } from './sse.js';
import type { Store } from './store.js';

export interface StreamOptions {
  send: Send;
  store: Store<Snapshot>;
  onEvent(event: ServerEvent): void;
  onOpen(open: boolean): void;
}

/** The server writes a comment every 15 s; three missed mean that nobody is there. */
const SILENCE_MS = 50_000;
/** A stream that ended well is opened again soon: most likely its credential had ended. */
const PAUSE_MS = 500;

export function openStream(options: StreamOptions): () => void {
  const gone = new AbortController();
  void run(options, gone.signal);
  return () => gone.abort();
}

async function run({ send, store, onEvent, onOpen }: StreamOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    let error: EvergrantError | undefined;
    try {
      await once(send, store.get().version, signal, (event) => {
        failures = 0;
        if (event.type === 'ready') onOpen(true);
        onEvent(event);
      });
    } catch (thrown) {
      error = asError(thrown);
      // A server without events; asking now and then will do.
      if (error.status === 404 || error.status === 405 || error.status === 501) return;
      failures++;
    }
    if (signal.aborted) return;
    onOpen(false);
    // Only the user can mend that; once a reading succeeds, the user has.
    if (error?.code === 'UNAUTHENTICATED' || error?.code === 'FORBIDDEN') await nextReading(store, signal);
    else await pause(error ? waitAfter(error, failures) : PAUSE_MS, signal);
  }
}

async function once(
  send: Send,
  version: number | null,
  gone: AbortSignal,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  try {
    const response = await send('events', {
      isStream: true,
      signal: AbortSignal.any([gone, quiet.signal]),
      headers: {
        accept: 'text/event-stream',
        ...(version === null ? {} : { 'last-event-id': String(version) }),
      },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const parse = createSseParser(({ event, data }) => onEvent({ ...JSON.parse(data), type: event }));
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      parse(read.value);
    }
  } finally {
    clearTimeout(timer);
    // However it ends, no second stream opens beside it.
    quiet.abort();
  }
}

/** Resolves once the status is read again, or when `signal` fires. */
function nextReading(store: Store<Snapshot>, signal: AbortSignal): Promise<void> {
  const { readAt } = store.get();
  return until(signal, (done) => store.subscribe(() => store.get().readAt !== readAt && done()));
}
