import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { useWords } from '../words/language.js';
import { Mark } from './Mark.js';
import { Navigation } from './Navigation.js';
import { UserMenu } from './UserMenu.js';

interface ShellProps {
  /** Absent until it is known. */
  session?: Session;
  store?: SessionStore;
  children?: ReactNode;
}

/** What stands around every page. */
export function Shell({ session, store, children }: ShellProps) {
  const words = useWords();
  const main = useFocusOnNavigation();
  return (
    <>
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <header className="bar">
        <div className="bar-inner">
          <Link className="brand" href="/">
            <Mark />
            <span className="brand-name">Evergrant</span>
          </Link>
          {session && store && (
            <>
              <Navigation />
              <UserMenu session={session} store={store} />
            </>
          )}
        </div>
      </header>
      <main ref={main} id="main" className="page" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** Whoever follows a link reads on at the new page; at the first one the browser decides. */
function useFocusOnNavigation() {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [path]);
  return main;
}
