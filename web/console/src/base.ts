/**
 * The path below which the server serves the console, such as `/grants`; empty at the root of a host. The server
 * writes it into the document.
 */
export const BASE = (document.querySelector<HTMLMetaElement>('meta[name=base]')?.content ?? '').replace(
  /\/$/,
  '',
);
