import type { ProviderId } from '../client/types.js';
import { classes } from './Button.js';
import { MARKS } from './marks.js';

/** The props of `IntegrationIcon`. */
export interface IntegrationIconProps {
  /** The platform. */
  provider: ProviderId;
  /**
   * The platform's name; its first letter is shown for platforms without a mark.
   *
   * @default the value of `provider`
   */
  name?: string;
  /** The accessible name, for icons without the name beside them. Without it, the icon is hidden from screen readers. */
  label?: string;
  /** An additional class name. */
  className?: string;
}

/** A platform's mark on a tile of its colour, or the first letter of its name if this package has no mark for it. */
export function IntegrationIcon({ provider, name = provider, label, className }: IntegrationIconProps) {
  const family = provider.split('-')[0] ?? provider;
  const mark = MARKS[provider] ?? MARKS[family];
  const spoken = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true };
  return (
    <span
      className={classes('eg-root eg-icon', className)}
      data-provider={mark ? family : provider}
      {...spoken}
    >
      {mark ? (
        <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
          <path d={mark} />
        </svg>
      ) : (
        <span className="eg-monogram">{firstLetter(name)}</span>
      )}
    </span>
  );
}

/** Returns the first character of a name in upper case; `?` for an empty name. */
export function firstLetter(name: string): string {
  return (Array.from(name.trim())[0] ?? '?').toUpperCase();
}
