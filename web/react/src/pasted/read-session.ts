/**
 * Extracts a session from pasted text. The forms are those in which browsers, their extensions and other programs export
 * a session: commands, program text, JSON, HAR files, cookie files, headers. It runs in the browser, so that only the
 * required values are sent.
 *
 * The server has a second implementation of the grammar, in `crates/adapters/src/session_cookies/paste`. Both read the
 * vectors in `crates/adapters/tests/pasted_sessions.json`, and a form that one of them learns goes there first.
 */
import { findCommand, readCommand } from './command.js';
import { Findings, missingParts, plausibleCount, type Reading } from './findings.js';
import { readLines } from './lines.js';
import { readStructure } from './structure.js';
import { percentDecoded } from './value.js';

/** The longest text that is read, in characters. */
export const MAX_TEXT = 20 * 1024 * 1024;

/**
 * Reads the session of the site with these domains; of any site if there are none. Cookies whose life ends by `now`, in
 * Unix seconds, do not count.
 */
export function readSession(text: string, domains: readonly string[], now = Date.now() / 1000): Reading {
  const read = (one: string) => readAsWritten(one.trim(), domains, now);
  let best = read(text);
  for (const variant of [straightened, decoded]) {
    if (missingParts(best).length === 0) break;
    const other = variant(text);
    if (other !== undefined) best = better(best, read(other));
  }
  return best;
}

function readAsWritten(text: string, domains: readonly string[], now: number): Reading {
  function reading(read: (text: string, findings: Findings) => void, part: string): Reading {
    const findings = new Findings(domains, now);
    read(part, findings);
    return findings.finish();
  }
  const isJson = /^[{[]/.test(text);
  const command = isJson ? undefined : findCommand(text);
  if (command !== undefined) {
    const found = reading(readCommand, command);
    if (plausibleCount(found) > 0 || found.cause?.kind === 'wrongSite') return found;
  }
  const literals = reading(readStructure, text);
  if (isJson || missingParts(literals).length === 0) return literals;
  return better(literals, reading(readLines, text));
}

/** Returns the reading with more parts; the first one if both have as many. */
function better(first: Reading, second: Reading): Reading {
  const saysMore = ({ cause }: Reading) => cause !== undefined && cause.kind !== 'nothing';
  const difference = plausibleCount(second) - plausibleCount(first);
  return difference > 0 || (difference === 0 && !saysMore(first) && saysMore(second)) ? second : first;
}

/**
 * Returns the text with plain quotes, spaces and dashes in place of those that word processors and messengers put;
 * undefined if there are none.
 */
function straightened(text: string): string | undefined {
  const straight = text
    .replace(/[“”„‟″]/g, '"')
    .replace(/[‘’‚‛′]/g, "'")
    .replace(/[\u00a0\u202f]/g, ' ')
    .replace(/[\u200b\ufeff\u200e]/g, '')
    .replace(/—/g, '--')
    .replace(/–/g, '-');
  return straight === text ? undefined : straight;
}

/** Returns a text that is percent-encoded as a whole, decoded; undefined for other texts. */
function decoded(text: string): string | undefined {
  const trimmed = text.trim();
  return /[= \n]/.test(trimmed) || !trimmed.includes('%3') ? undefined : percentDecoded(trimmed);
}
