import { useNow } from '../useNow.js';
import { useFullUi } from './useFullUi.js';

interface CountdownProps {
  /** Milliseconds of the epoch. */
  until: number;
  say(seconds: string): string;
}

/** How long there is to wait, second by second; nothing afterwards. Keep it out of live regions. */
export function Countdown({ until, say }: CountdownProps) {
  const { locale } = useFullUi().messages;
  const now = useNow(1000);
  const left = now === null ? 0 : Math.ceil((until - now) / 1000);
  if (left <= 0) return null;
  const words = new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', unitDisplay: 'long' });
  return <span className="eg-note">{say(words.format(left))}</span>;
}
