/** Formats times and lists in one language, using `Intl`. */
export interface Format {
  /**
   * Formats the time `iso` (RFC 3339) relative to `now` (milliseconds since the epoch), such as "2 hours ago" or "in 3
   * days". If `now` is null, as during server rendering, formats the date instead.
   */
  when(iso: string, now: number | null): string;
  /** Joins items with commas and the language's "and". */
  list(items: readonly string[]): string;
}

/** Units of relative times with their length in seconds, largest first. */
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** Creates the formatter for a BCP 47 language tag. */
export function createFormat(locale: string): Format {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  return {
    when(iso, now) {
      if (now === null) {
        return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(
          Date.parse(iso),
        );
      }
      const seconds = (Date.parse(iso) - now) / 1000;
      const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['minute', 60];
      return relative.format(Math.trunc(seconds / size), unit);
    },
    list: (items) => new Intl.ListFormat(locale).format(items),
  };
}
