/**
 * The console's own UI strings. `@evergrant/react` ships its own messages. Each language is one
 * object of this type.
 */
export interface Strings {
  /** Skip link, the first stop of the Tab key. */
  skip: string;
  /** Link to the page of the app from which the console was opened. */
  back(app: string): string;
  nav: {
    /** Accessible name of the navigation landmark. */
    label: string;
    integrations: string;
  };
  user: {
    /** Name of a user that has neither a name nor an email address. */
    numbered(id: number): string;
    menu(name: string): string;
    /** Heading of the list of users to switch to. `evergrant dev` only. */
    viewAs: string;
    signOut: string;
    /** Switching users or signing out failed. */
    failed: string;
    version(version: string): string;
  };
  signedOut: {
    /** Document title. */
    title: string;
    /** The browser had no session when the page loaded. */
    noSession: string;
    /** The session ended while the page was open. */
    sessionEnded: string;
    /** Button, shown for `evergrant dev` only: opening the console there signs in a user. */
    signInAgain: string;
  };
  unavailable: {
    /** Document title. */
    title: string;
    text(app: string): string;
    retry: string;
  };
  notFound: {
    /** Document title. */
    title: string;
    text: string;
    home: string;
  };
  error: {
    /** Document title. */
    title: string;
    text: string;
    reload: string;
  };
}
