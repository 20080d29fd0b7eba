/**
 * `@evergrant/react/locales/pseudo`: a pseudo-locale for finding layout and translation faults. Text without marks is not
 * translatable, text that is cut off here is cut off in longer languages, and text on the wrong side is not mirrored.
 */
import { en } from '../messages/en.js';
import type { Messages } from '../messages/types.js';

const PLAIN = 'aceginorsuyACEGINORSUY';
const MARKED = 'åçéĝïñöŕšüýÅÇÉĜÏÑÖŔŠÜÝ';

function mark(text: string): string {
  const letters = [...text].map((letter) => MARKED[PLAIN.indexOf(letter)] ?? letter).join('');
  return `⟦${letters}${'·'.repeat(Math.ceil(text.length / 3))}⟧`;
}

function marked(value: unknown): unknown {
  if (typeof value === 'string') return mark(value);
  if (typeof value === 'function')
    return (...parts: unknown[]) => marked(Reflect.apply(value, undefined, parts));
  if (Array.isArray(value)) return value.map(marked);
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, one]) => [key, marked(one)]));
}

/** English with accented letters, a third longer and set from right to left. */
export const pseudo: Messages = { ...(marked(en) as Messages), locale: 'ar-u-nu-latn', dir: 'rtl' };
