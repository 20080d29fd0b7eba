import { Link, useLocation } from 'wouter';
import { useStrings } from '../i18n/language.js';
import { isIntegrations } from '../pages/paths.js';

/** Links to the console's pages. */
export function Navigation() {
  const { nav } = useStrings();
  const [path] = useLocation();
  return (
    <nav className="nav" aria-label={nav.label}>
      <ul>
        <li>
          <Link href="/integrations" aria-current={isIntegrations(path) ? 'page' : undefined}>
            {nav.integrations}
          </Link>
        </li>
      </ul>
    </nav>
  );
}
