import type { Words } from './words.js';

export const en: Words = {
  skip: 'Skip to content',
  nav: {
    label: 'Pages',
    integrations: 'Integrations',
  },
  user: {
    numbered: (id) => `User ${id}`,
    menu: (name) => `${name}, account menu`,
    beSomebodyElse: 'Look at it as',
    signOut: 'Sign out',
    failed: 'That did not work. Try again.',
    version: (version) => `Evergrant ${version}`,
  },
  closed: {
    title: 'Signed out',
    never: 'This page opens from your app.',
    ended: 'You are signed out. Open this page again from your app.',
    again: 'Sign in again',
  },
  failed: {
    title: 'No answer',
    text: 'Evergrant is not answering.',
    retry: 'Try again',
  },
  notFound: {
    title: 'Page not found',
    text: 'There is no page at this address.',
    home: 'Go to Integrations',
  },
  broken: {
    title: 'Something went wrong',
    text: 'Something went wrong on this page. Your accounts are as they were.',
    reload: 'Load it again',
  },
};
