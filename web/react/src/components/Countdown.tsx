import { useNow } from './useNow.js';

interface CountdownProps {
  /** When the countdown ends, in milliseconds since the epoch. */
  until: number;
  /** Returns the text for the remaining time, which includes the unit. */
  text(left: string): string;
  /** BCP 47 language tag of the text. */
  locale: string;
}

/**
 * The remaining time, updated every second, in minutes if it is longer than 90 seconds; nothing once it has passed. Do not
 * put it into a live region, which would announce every update.
 */
export function Countdown({ until, text, locale }: CountdownProps) {
  const now = useNow(1000);
  const left = now === null ? 0 : Math.ceil((until - now) / 1000);
  if (left <= 0) return null;
  const [value, unit] = left > 90 ? [Math.ceil(left / 60), 'minute'] : [left, 'second'];
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' });
  return <span className="eg-note">{text(format.format(value))}</span>;
}
