/** Reads `text/event-stream` from text that may be cut anywhere (HTML Standard, "Server-sent events"). */
export interface SseMessage {
  event: string;
  data: string;
  id: string | undefined;
}

/** Feed it pieces; it calls back once for each whole event. A `retry:` field and comments are passed over. */
export function createSseParser(onMessage: (message: SseMessage) => void): (chunk: string) => void {
  let rest = '';
  let first = true;
  let halfBreak = false;
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
    // The first half of a CRLF ends its line at once; the other half, should it follow, ends none.
    if (halfBreak && rest.startsWith('\n')) rest = rest.slice(1);
    halfBreak &&= chunk === '';
    const ends = /\r\n|\n|\r/g;
    let from = 0;
    for (let end = ends.exec(rest); end; end = ends.exec(rest)) {
      line(rest.slice(from, end.index));
      from = ends.lastIndex;
      halfBreak = end[0] === '\r' && from === rest.length;
    }
    rest = rest.slice(from);
  };
}
