/**
 * Splits a copied command into words, by the rules of bash or of Windows' cmd. The command is not run, and expansions
 * are not performed.
 */
export function shellWords(command: string): string[] {
  const text = isCmd(command) ? withoutCarets(command) : command;
  const words: string[] = [];
  for (const [word] of text.replaceAll(/\\\r?\n/g, ' ').matchAll(WORD)) {
    words.push([...word.matchAll(PIECE)].map(plain).join(''));
  }
  return words;
}

/**
 * Matches a part of a word: `$'…'`, `'…'`, `"…"`, an escaped character, or plain text. An unclosed quote extends to the
 * end of the text.
 */
const PIECE =
  /\$'((?:\\[^]|[^'\\])*)(?:'|$)|'([^']*)(?:'|$)|"((?:\\[^]|[^"\\])*)(?:"|$)|\\([^])|([^\s\\'"$]+|\$|\\$)/g;
const WORD = new RegExp(`(?:${PIECE.source.replaceAll(/\((?!\?)/g, '(?:')})+`, 'g');

/** Returns a part without its quotes and escapes. */
function plain(piece: RegExpExecArray | RegExpMatchArray): string {
  const [, ansi, single, double, escaped, bare] = piece;
  if (ansi !== undefined) return ansi.replaceAll(/\\(?:u([\da-f]{1,4})|x([\da-f]{1,2})|([^]))/gi, ansiEscape);
  if (double !== undefined) return double.replaceAll(/\\(["\\$`])/g, '$1');
  return single ?? escaped ?? (bare === '\\' ? '' : (bare ?? ''));
}

function ansiEscape(_: string, unicode?: string, byte?: string, letter = ''): string {
  const number = unicode ?? byte;
  if (number !== undefined) return String.fromCharCode(Number.parseInt(number, 16));
  return { n: '\n', r: '\r', t: '\t' }[letter] ?? letter;
}

/** Whether the command is for cmd. Chromium escapes every quote with a caret; older versions only the ends of lines. */
function isCmd(command: string): boolean {
  return /^\S+\s+\^"/.test(command) || /\^\r?\n/.test(command);
}

function withoutCarets(command: string): string {
  const joined = command.replaceAll(/\^\r?\n/g, ' ');
  return command.includes('^"') ? joined.replaceAll(/\^([^])/g, '$1') : joined;
}
