/** Parses `text/event-stream` (HTML Standard, "Server-sent events") from chunks that may end anywhere. */

/** An event of the stream. */
export interface SseMessage {
  /** The event's type; `message` if the stream names none. */
  event: string;
  /** The data lines, joined with line feeds. */
  data: string;
  /** The last event id of the stream so far; undefined before the first one. */
  id: string | undefined;
}

/**
 * Returns a function that takes the chunks of a stream and calls `onMessage` once for each complete event. Comments and
 * `retry` fields are ignored.
 */
export function createSseParser(onMessage: (message: SseMessage) => void): (chunk: string) => void {
  let rest = '';
  let first = true;
  let endedWithCr = false;
  let event = '';
  let data: string[] = [];
  let id: string | undefined;

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onMessage({ event: event || 'message', data: data.join('\n'), id });
      event = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (chunk) => {
    rest += first && chunk.startsWith('\uFEFF') ? chunk.slice(1) : chunk;
    first &&= chunk === '';
    // A CR at the end of a chunk ends its line at once; an LF at the start of the next chunk belongs to it.
    if (endedWithCr && rest.startsWith('\n')) rest = rest.slice(1);
    endedWithCr &&= chunk === '';
    const ends = /\r\n|\n|\r/g;
    let from = 0;
    for (let end = ends.exec(rest); end; end = ends.exec(rest)) {
      line(rest.slice(from, end.index));
      from = ends.lastIndex;
      endedWithCr = end[0] === '\r' && from === rest.length;
    }
    rest = rest.slice(from);
  };
}
