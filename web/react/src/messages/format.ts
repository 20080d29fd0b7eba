/** Numbers, dates and lists of a language, by `Intl`. */
export interface Format {
  /** "2 hours ago", "in 3 days"; the date while `now` is not known, as on a server. */
  when(iso: string, now: number | null): string;
  list(items: readonly string[]): string;
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

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
