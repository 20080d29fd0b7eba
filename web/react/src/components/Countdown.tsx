import { useNow } from '../useNow.js';
import { useFullUi } from './useFullUi.js';

interface CountdownProps {
  /** When the countdown ends, in milliseconds since the epoch. */
  until: number;
  /** Returns the text for the remaining seconds, which include the unit. */
  text(seconds: string): string;
}

/**
 * The remaining time, updated every second; nothing once it has passed. Do not put it into a live region, which would
 * announce every update.
 */
export function Countdown({ until, text }: CountdownProps) {
  const { locale } = useFullUi().messages;
  const now = useNow(1000);
  const left = now === null ? 0 : Math.ceil((until - now) / 1000);
  if (left <= 0) return null;
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', unitDisplay: 'long' });
  return <span className="eg-note">{text(format.format(left))}</span>;
}
