/** Reads commands: curl in the words of bash, of Windows' cmd and of PowerShell, and wget. */
import type { Findings } from './findings.js';
import { shellWords } from './shell-words.js';
import { isWebAddress, splitOnce } from './value.js';

/** The options without a leading command, of a command that was copied in part. */
const OPTIONS = /^(?:-[HbA]|--(?:header|cookie|user-agent))/;
const COMMAND = /^(?:curl(?:\.exe)?|wget)$/i;

/** Returns the part of a text that begins with a command. */
export function findCommand(text: string): string | undefined {
  if (OPTIONS.test(text)) return text;
  const found = /(?:^|\s)[$>`(;&]*(?=(?:curl(?:\.exe)?|wget)\s)/i.exec(text);
  return found ? text.slice(found.index + found[0].length) : undefined;
}

/** Reads the options that set headers and cookies. */
export function readCommand(command: string, findings: Findings): void {
  const words = shellWords(command).values();
  let hasAddress = false;
  for (const word of words) {
    const option = /^-([HbA])([^]*)$/.exec(word) ?? /^--(header|cookie|user-agent)(?:=([^]*))?$/.exec(word);
    if (option) {
      const [, name = '', value] = option;
      const isAttached = name.length > 1 ? value !== undefined : value !== '';
      readOption(name, (isAttached ? value : words.next().value) ?? '', findings);
    } else if (word === '-d' || word.startsWith('--data')) {
      if (!word.includes('=')) words.next();
    } else if (COMMAND.test(word)) {
      findings.beginSource();
      hasAddress = false;
    } else if (!hasAddress && isWebAddress(word)) {
      findings.setHost(word);
      hasAddress = true;
    }
  }
}

function readOption(option: string, value: string, findings: Findings): void {
  if (option === 'b' || option === 'cookie') return findings.cookies(value);
  if (option === 'A' || option === 'user-agent') return void findings.named('user-agent', value);
  const [name, text] = splitOnce(value, ':');
  // The authority of a request is in its address.
  if (text !== undefined && name.trim().toLowerCase() !== 'host') findings.named(name, text);
}
