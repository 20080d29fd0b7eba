/**
 * No language: English with marked letters, a third longer, set from right to left. What is not marked is not
 * translatable; what is cut off will be cut off in other languages; what stands on the wrong side is not mirrored.
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

export const pseudo: Messages = { ...(marked(en) as Messages), locale: 'ar-u-nu-latn', dir: 'rtl' };
