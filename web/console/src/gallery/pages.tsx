/** The states of the console's own pages. */
import type { ReactNode } from 'react';
import { ErrorPage } from '../pages/ErrorPage.js';
import { NotFoundPage } from '../pages/NotFoundPage.js';
import { SignedOutPage } from '../pages/SignedOutPage.js';
import { UnavailablePage } from '../pages/UnavailablePage.js';
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
const longName = { id: 7, name: null, email: 'juniper.with.a.very.long.address@mail.example.org' };
const { people: _people, ...production } = session;
const store = new SessionStore();

/** Renders each state, by the name that `?state=` takes. */
export const PAGES: Readonly<Record<string, () => ReactNode>> = {
  'console-loading': () => <Shell />,
  'console-not-found': () => (
    <Shell session={session} store={store}>
      <NotFoundPage />
    </Shell>
  ),
  'console-error': () => (
    <Shell session={{ ...production, user: longName }} store={store}>
      <ErrorPage />
    </Shell>
  ),
  'console-way-back': () => (
    <Shell session={{ ...session, returnUrl: 'https://app.example/settings' }} store={store}>
      <NotFoundPage />
    </Shell>
  ),
  'console-no-session': () => <SignedOutPage hadSession={false} dev={false} returnUrl={null} />,
  'console-signed-out': () => (
    <SignedOutPage hadSession dev={false} returnUrl="https://app.example/settings" />
  ),
  'console-signed-out-dev': () => <SignedOutPage hadSession dev returnUrl={null} />,
  'console-unavailable': () => <UnavailablePage onRetry={() => {}} />,
};
