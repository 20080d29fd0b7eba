/**
 * Reads the literals of a program text: JSON, JavaScript, Python, PowerShell and alike, with text around them, unclosed
 * brackets, comments and superfluous commas. The text is scanned once and never run. What is no literal is skipped.
 */
import { normalName } from './value.js';

/** The deepest nesting that is kept; deeper brackets are read as if they were absent. */
const MAX_DEPTH = 64;

/** A string as it is written, or a number or word. */
export class Text {
  constructor(
    readonly raw: string,
    readonly escape = '',
  ) {}

  /** Returns the text without its escapes. */
  decoded(): string {
    if (this.escape === '' || !this.raw.includes(this.escape)) return this.raw;
    const pattern = this.escape === '\\' ? BACKSLASHES : BACKTICKS;
    return this.raw.replace(pattern, (_, hex: string | undefined, letter = '') => {
      if (hex === undefined)
        return LETTERS[letter] ?? (/^[ux]$/.test(letter) && this.escape === '\\' ? '' : letter);
      const code = Number.parseInt(hex.slice(1), 16);
      return code >= 0xd800 && code < 0xe000 ? '' : String.fromCharCode(code);
    });
  }
}

const BACKSLASHES = /\\(?:(u[\da-f]{4}|x[\da-f]{2})|([^])|$)/gi;
const BACKTICKS = /`(?:((?!))|([^])|$)/g;
const LETTERS: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** A member of a group, with its normalized key if it has one. */
export interface Member {
  key: string | undefined;
  node: Text | Group;
}

/** An object, a list, the arguments of a call, or the whole text. */
export class Group {
  constructor(
    /** The called function, for arguments; empty otherwise. */
    readonly call: string,
    readonly members: readonly Member[],
  ) {}

  /** Returns the text with one of these keys. */
  text(...names: string[]): string | undefined {
    const found = this.members.find(
      ({ key, node }) => key !== undefined && node instanceof Text && names.includes(key),
    );
    return found && (found.node as Text).decoded();
  }

  /** Returns the texts without a key, up to the first other member. */
  leadingTexts(): string[] {
    const end = this.members.findIndex(({ key, node }) => key !== undefined || node instanceof Group);
    return this.members.slice(0, end < 0 ? undefined : end).map(({ node }) => (node as Text).decoded());
  }
}

/** A piece of the text, before keys and values are combined: a word, a literal, or punctuation. */
type Item = string | Text | Group | typeof DIVIDER | typeof END;
const DIVIDER = Symbol('a colon or an equals sign');
const END = Symbol('a comma or semicolon');

/** Reads the literals of a text. */
export const readLiterals = (text: string): Group => new Scanner(text).run();

const isWordCode = (code: number) =>
  (code >= 48 && code <= 57) || // 0-9
  (code >= 65 && code <= 90) || // A-Z
  (code >= 97 && code <= 122) || // a-z
  code === 95 || // _
  code === 36 || // $
  code === 46 || // .
  code === 45 || // -
  code >= 128;

class Scanner {
  #at = 0;
  #items: Item[] = [];
  /** The called functions and the items of the brackets that are open. */
  readonly #open: { call: string; items: Item[] }[] = [];
  /** The number of open brackets beyond `MAX_DEPTH`. */
  #skipped = 0;
  /** The quotes that nothing closes. */
  readonly #unclosed = new Set<string>();
  readonly #escape: string;
  /** Normalized keys, by the key as written. */
  readonly #keys = new Map<string, string>();

  constructor(readonly text: string) {
    this.#escape = /WebRequestSession|Invoke-(?:WebRequest|RestMethod)/.test(text) ? '`' : '\\';
  }

  run(): Group {
    const { text } = this;
    while (this.#at < text.length) {
      const char = text.charAt(this.#at);
      if (char === '"' || char === "'") this.#quoted(char);
      else if (char === '`') this.#backticks();
      else if (char === '{' || char === '[' || char === '(') this.#openBracket(char);
      else if (char === '}' || char === ']' || char === ')') this.#closeBracket();
      else if (char === ':' || char === '=') this.#push(DIVIDER, text.charAt(this.#at + 1) === '>' ? 2 : 1);
      else if (char === ',' || char === ';') this.#push(END, 1);
      else if (isWordCode(text.charCodeAt(this.#at))) this.#word();
      else this.#at++;
    }
    this.#skipped = 0;
    while (this.#open.length > 0) this.#closeBracket();
    return this.#group('', this.#items, false);
  }

  #push(item: Item, length: number): void {
    this.#items.push(item);
    this.#at += length;
  }

  #word(): void {
    let end = this.#at + 1;
    while (end < this.text.length && isWordCode(this.text.charCodeAt(end))) end++;
    this.#push(this.text.slice(this.#at, end), end - this.#at);
  }

  #openBracket(char: string): void {
    this.#at++;
    if (this.#open.length >= MAX_DEPTH) return void this.#skipped++;
    const last = this.#items.at(-1);
    const call = char === '(' && typeof last === 'string' ? last : '';
    if (call) this.#items.pop();
    this.#open.push({ call, items: this.#items });
    this.#items = [];
  }

  #closeBracket(): void {
    this.#at++;
    if (this.#skipped > 0) return void this.#skipped--;
    const closed = this.#open.pop();
    if (!closed) return;
    const group = this.#group(closed.call, this.#items, true);
    this.#items = closed.items;
    this.#items.push(group);
  }

  /**
   * Reads a string of JavaScript in backticks. Several in a row are a fence of Markdown, and in PowerShell one is an
   * escape.
   */
  #backticks(): void {
    let end = this.#at + 1;
    while (this.text.charAt(end) === '`') end++;
    if (end === this.#at + 1 && this.#escape !== '`') this.#quoted('`');
    else this.#at = end;
  }

  /**
   * Reads a string. A quote after a letter is an apostrophe. Outside of brackets, one that is never closed is skipped;
   * inside, the text was cut off, and a part of a value is none.
   */
  #quoted(quote: string): void {
    const { text } = this;
    const start = this.#at++;
    const last = this.#items.at(-1);
    const isAfterWord = start > 0 && isWordCode(text.charCodeAt(start - 1));
    const isPrefix = typeof last === 'string' && /^(?:[bfru]|br|rb)$/.test(last);
    if (this.#unclosed.has(quote) || (isAfterWord && !isPrefix)) return;
    const width = text.startsWith(quote.repeat(3), start) ? 3 : 1;
    const end = this.#closing(start + width, quote, width);
    if (end < 0) {
      this.#unclosed.add(quote);
      if (this.#open.length > 0) this.#at = text.length;
      return;
    }
    if (isAfterWord) this.#items.pop();
    this.#items.push(new Text(text.slice(start + width, end), this.#escape));
    this.#at = end + width;
  }

  /** Returns where the string that begins at `at` ends; -1 if it does not. */
  #closing(at: number, quote: string, width: number): number {
    const { text } = this;
    const mark = quote.repeat(width);
    const doubled = this.#escape === '`' && width === 1 ? quote + quote : undefined;
    const [quoteCode, escapeCode] = [quote.charCodeAt(0), this.#escape.charCodeAt(0)];
    for (let next = at; next < text.length; next++) {
      const code = text.charCodeAt(next);
      if (code === escapeCode) next++;
      else if (code !== quoteCode) continue;
      else if (doubled && text.startsWith(doubled, next)) next++;
      else if (text.startsWith(mark, next)) return next;
    }
    return -1;
  }

  /** Combines keys with their values. Outside of brackets, a value must be quoted or a group. */
  #group(call: string, items: readonly Item[], isBracketed: boolean): Group {
    const members: Member[] = [];
    let key: Text | string | undefined;
    let isDivided = false;
    const add = (node: Text | Group, own: Text | string | undefined) => {
      members.push({ key: own === undefined ? undefined : this.#keyOf(own), node });
      [key, isDivided] = [undefined, false];
    };
    for (const item of items) {
      if (item === END) [key, isDivided] = [undefined, false];
      else if (item === DIVIDER) {
        key ??= takeKey(members);
        isDivided = key !== undefined;
      } else if (typeof item !== 'string') {
        // An option of PowerShell has no divider.
        const isOption = typeof key === 'string' && key.startsWith('-');
        add(item as Text | Group, isDivided || isOption ? key : undefined);
      } else if (isDivided && isBracketed) add(new Text(item), key);
      else {
        if (item.endsWith('WebRequestSession')) members.push({ key: undefined, node: new Group(item, []) });
        [key, isDivided] = [item, false];
      }
    }
    return new Group(call, members);
  }

  /** Returns a key without the path before it, normalized: `useragent` of `$session.UserAgent`. */
  #keyOf(key: Text | string): string {
    if (key instanceof Text) {
      let known = this.#keys.get(key.raw);
      if (known === undefined) this.#keys.set(key.raw, (known = normalName(key.decoded())));
      return known;
    }
    return normalName(key.slice(key.lastIndexOf('.') + 1).replace(/^[-$]+/, ''));
  }
}

/** Turns the last member into a key: `"name"` of `"name": …`, or of `headers["name"] = …`; undefined if it cannot be one. */
function takeKey(members: Member[]): Text | undefined {
  const last = members.at(-1);
  if (!last || last.key !== undefined) return undefined;
  const { node } = last;
  const [only, more] = node instanceof Group ? node.members : [last];
  if (more || !only || only.key !== undefined || !(only.node instanceof Text)) return undefined;
  members.pop();
  return only.node;
}
