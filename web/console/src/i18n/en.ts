import type { Strings } from './strings.js';

/** English strings of the console. */
export const en: Strings = {
  skip: 'Skip to content',
  back: (app) => `Back to ${app}`,
  nav: {
    label: 'Main',
    integrations: 'Integrations',
  },
  user: {
    numbered: (id) => `User ${id}`,
    menu: (name) => `${name}, account menu`,
    viewAs: 'View as',
    signOut: 'Sign out',
    failed: 'Something went wrong. Try again.',
    version: (version) => `Evergrant ${version}`,
  },
  signedOut: {
    title: 'Signed out',
    noSession: 'To view this page, open it from your app.',
    sessionEnded: 'You are signed out. To sign in again, open this page from your app.',
    signInAgain: 'Sign in again',
  },
  unavailable: {
    title: 'Unavailable',
    text: (app) => `${app} is not responding.`,
    retry: 'Try again',
  },
  notFound: {
    title: 'Page not found',
    text: 'This page does not exist.',
    home: 'Go to Integrations',
  },
  error: {
    title: 'Something went wrong',
    text: 'Something went wrong on this page. Your accounts are not affected.',
    reload: 'Reload',
  },
};
