import type { ProviderId } from '../client/types.js';
import { classes } from './Button.js';
import { MARKS } from './marks.js';

export interface IntegrationIconProps {
  provider: ProviderId;
  /** The platform's name, for its first letter where there is no mark; said aloud only as `label`. */
  name?: string;
  /** For where the name does not stand beside it. */
  label?: string;
  className?: string;
}

/** A platform's mark on a tile of its colour; its first letter where we have no mark. */
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

export function firstLetter(name: string): string {
  return (Array.from(name.trim())[0] ?? '?').toUpperCase();
}
