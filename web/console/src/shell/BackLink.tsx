import { APP } from '../base.js';
import { useStrings } from '../i18n/language.js';

/** The way back to the page of the app that opened the console. */
export function BackLink({ url }: { url: string }) {
  const { back } = useStrings();
  const name = APP.name === 'Evergrant' ? new URL(url).host : APP.name;
  return (
    <a className="back" href={url} aria-label={back(name)}>
      <svg className="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d="M9.5 3.5 5 8l4.5 4.5" />
      </svg>
      <span className="back-name">{back(name)}</span>
    </a>
  );
}
