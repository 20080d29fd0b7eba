/** The server's events, for as long as this tab leads: opened again with backoff, from the version that is known. */
import type { Api } from './api.js';
import { backoff, pause } from './backoff.js';
import { asError } from './error.js';
import type { ServerEvent } from './events.js';
import { createSseParser } from './sse.js';

export interface StreamOptions {
  api: Api;
  /** The version that is known, to go on from. */
  version: () => number | null;
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

async function run({ api, version, onEvent, onOpen }: StreamOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await once(api, version(), signal, (event) => {
        failures = 0;
        if (event.type === 'ready') onOpen(true);
        onEvent(event);
      });
    } catch (thrown) {
      const { status } = asError(thrown);
      // A server without events; asking now and then will do.
      if (status === 404 || status === 405 || status === 501) return;
      failures++;
    }
    if (signal.aborted) return;
    onOpen(false);
    await pause(failures ? backoff(failures) : PAUSE_MS, signal);
  }
}

async function once(
  api: Api,
  version: number | null,
  gone: AbortSignal,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const quiet = new AbortController();
  const signal = AbortSignal.any([gone, quiet.signal]);
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  try {
    const reader = (await api.events(version, signal)).body?.pipeThrough(new TextDecoderStream()).getReader();
    const parse = createSseParser(({ event, data }) => onEvent({ ...JSON.parse(data), type: event }));
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      parse(read.value);
    }
  } finally {
    clearTimeout(timer);
  }
}
