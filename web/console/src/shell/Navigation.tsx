import { Link, useLocation } from 'wouter';
import { isIntegrations } from '../pages/paths.js';
import { useWords } from '../words/language.js';

/** The pages that there are. */
export function Navigation() {
  const { nav } = useWords();
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
