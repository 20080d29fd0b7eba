/**
 * Splits a copied command into words, by the rules of bash or of Windows' cmd. The command is not run, and expansions
 * are not performed.
 */
export function shellWords(command: string): string[] {
  return new Reader(isCmd(command) ? withoutCarets(command) : command).words();
}

/** Whether the command is for cmd. Chromium escapes every quote with a caret; older versions only the ends of lines. */
function isCmd(command: string): boolean {
  return /^\S+\s+\^"/.test(command) || /\^\r?\n/.test(command);
}

function withoutCarets(command: string): string {
  const escape = command.includes('^"') ? /\^([^])/g : /\^(\r|\n)/g;
  return command.replace(escape, (_, char: string) => (/[\r\n]/.test(char) ? ' ' : char));
}

class Reader {
  #at = 0;
  readonly #words: string[] = [];
  /** The pieces of the current word; empty quotes are a word too. */
  #pieces: string[] | undefined;

  constructor(readonly text: string) {}

  words(): string[] {
    while (this.#at < this.text.length) {
      const char = this.text.charAt(this.#at++);
      if (/\s/.test(char)) this.#endWord();
      else if (char === '\\') this.#escaped();
      else if (char === "'") this.#push(this.#until(/'/g));
      else if (char === '"') this.#push(this.#until(/\\[^]|"/g).replace(/\\(["\\$`])/g, '$1'));
      else if (char === '$' && this.text.charAt(this.#at) === "'") {
        this.#at++;
        this.#push(this.#until(/\\[^]|'/g).replace(ANSI_ESCAPE, ansiEscape));
      } else this.#plain(char);
    }
    this.#endWord();
    return this.#words;
  }

  #push(piece: string): void {
    (this.#pieces ??= []).push(piece);
  }

  #endWord(): void {
    if (this.#pieces) this.#words.push(this.#pieces.join(''));
    this.#pieces = undefined;
  }

  /** Reads what follows a backslash outside quotes: a literal character, or a line continuation. */
  #escaped(): void {
    const char = this.text.charAt(this.#at++);
    if (char === '\r' && this.text.charAt(this.#at) === '\n') this.#at++;
    else if (char !== '\r' && char !== '\n' && char !== '') this.#push(char);
  }

  /** Reads up to the match of one character, the closing quote; longer matches are escapes. */
  #until(pattern: RegExp): string {
    const start = this.#at;
    pattern.lastIndex = start;
    let match = pattern.exec(this.text);
    while (match && match[0].length > 1) match = pattern.exec(this.text);
    this.#at = match ? match.index + 1 : this.text.length;
    return this.text.slice(start, match?.index);
  }

  /** Reads the rest of a run of plain characters. */
  #plain(first: string): void {
    const run = /[^\s\\'"$]*/y;
    run.lastIndex = this.#at;
    const rest = run.exec(this.text)?.[0] ?? '';
    this.#at += rest.length;
    this.#push(first + rest);
  }
}

const ANSI_ESCAPE = /\\(?:u([\da-f]{1,4})|x([\da-f]{1,2})|([^]))/gi;

function ansiEscape(_: string, unicode?: string, byte?: string, letter = ''): string {
  const number = unicode ?? byte;
  if (number !== undefined) return String.fromCharCode(Number.parseInt(number, 16));
  return { n: '\n', r: '\r', t: '\t' }[letter] ?? letter;
}
