import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { APP } from '../base.js';
import { useStrings } from '../i18n/language.js';
import type { Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { BackLink } from './BackLink.js';
import { Mark } from './Mark.js';
import { Navigation } from './Navigation.js';
import { UserMenu } from './UserMenu.js';

interface ShellProps {
  /** Absent while it loads; the bar then shows neither navigation nor user menu. */
  session?: Session;
  store?: SessionStore;
  children?: ReactNode;
}

/** The frame of every page: skip link, top bar and main landmark. */
export function Shell({ session, store, children }: ShellProps) {
  const strings = useStrings();
  const main = useFocusOnNavigation();
  return (
    <>
      <a className="skip" href="#main">
        {strings.skip}
      </a>
      <header className="bar">
        <div className="bar-inner">
          {session?.returnUrl && <BackLink url={session.returnUrl} />}
          <Link className="brand" href="/">
            <Mark />
            <span className="brand-name">{APP.name}</span>
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

/**
 * Returns a ref for the main landmark, which receives focus after each navigation so that keyboard
 * and screen reader users continue at the new page. The first page keeps the browser's own focus.
 */
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
