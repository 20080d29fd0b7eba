/** The first of the browser's languages that we speak; English where we speak none. */
export function localeOf(wanted: readonly string[]): 'en' | 'fr' {
  for (const tag of wanted) {
    const [language] = tag.toLowerCase().split('-');
    if (language === 'en' || language === 'fr') return language;
  }
  return 'en';
}
