const PATHS = {
  more: 'M3 8h.01M8 8h.01M13 8h.01',
  close: 'm4.5 4.5 7 7m0-7-7 7',
  check: 'm3.5 8.5 3 3 6-7',
  dash: 'M4 8h8',
  chevron: 'm6 4 4 4-4 4',
} as const;

/** A line icon of 16 by 16 pixels, hidden from assistive technology. */
export function Glyph({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg className="eg-glyph" data-glyph={name} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
