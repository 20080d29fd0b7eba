/**
 * Returns the first supported language among `preferred`, which is in the order of
 * `navigator.languages`. Default: English.
 */
export function detectLocale(preferred: readonly string[]): 'en' | 'fr' {
  for (const tag of preferred) {
    const [language] = tag.toLowerCase().split('-');
    if (language === 'en' || language === 'fr') return language;
  }
  return 'en';
}
