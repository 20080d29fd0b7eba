/** What the console itself says; the library brings its own words. A language is one object of this type. */
export interface Words {
  skip: string;
  nav: {
    label: string;
    integrations: string;
  };
  user: {
    /** Somebody without a name or an address. */
    numbered(id: number): string;
    menu(name: string): string;
    beSomebodyElse: string;
    signOut: string;
    failed: string;
    version(version: string): string;
  };
  closed: {
    title: string;
    never: string;
    ended: string;
    /** In `dev`, where whoever opens the page is signed in. */
    again: string;
  };
  failed: {
    title: string;
    text: string;
    retry: string;
  };
  notFound: {
    title: string;
    text: string;
    home: string;
  };
  broken: {
    title: string;
    text: string;
    reload: string;
  };
}
