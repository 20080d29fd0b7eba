/** The console's own pages, by name. */
import type { ReactNode } from 'react';
import { BrokenPage } from '../pages/BrokenPage.js';
import { ClosedPage } from '../pages/ClosedPage.js';
import { FailedPage } from '../pages/FailedPage.js';
import { NotFoundPage } from '../pages/NotFoundPage.js';
import type { Session } from '../session/session.js';
import { SessionStore } from '../session/SessionStore.js';
import { Shell } from '../shell/Shell.js';

const people = [
  { id: 7, name: 'Demo creator' },
  { id: 8, name: 'New user' },
];
const session: Session = {
  user: { id: 7, name: 'Demo creator', email: null },
  csrfToken: '',
  expiresAt: '2030-01-01T12:00:00.000Z',
  version: '0.1.0',
  people,
};
const longName = { id: 7, name: null, email: 'somebody.with.a.very.long.address@mail.example.org' };
const { people: _people, ...alone } = session;
const store = new SessionStore();

export const PAGES: Readonly<Record<string, () => ReactNode>> = {
  'console-loading': () => <Shell />,
  'console-not-found': () => (
    <Shell session={session} store={store}>
      <NotFoundPage />
    </Shell>
  ),
  'console-broken': () => (
    <Shell session={{ ...alone, user: longName }} store={store}>
      <BrokenPage />
    </Shell>
  ),
  'console-closed': () => <ClosedPage ended={false} dev={false} />,
  'console-ended': () => <ClosedPage ended dev={false} />,
  'console-ended-dev': () => <ClosedPage ended dev />,
  'console-failed': () => <FailedPage onRetry={() => {}} />,
};
