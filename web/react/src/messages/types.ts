/** The words of the components. */
import type { IntegrationStatus, Revocation } from '../client/types.js';

/** Sentences for failures; several codes share one, because a person would do the same about them. */
export interface ErrorMessages {
  denied: string;
  expired: string;
  refused(provider: string): string;
  taken: string;
  mismatch: string;
  noAccount(provider: string): string;
  notFound: string;
  reconnect: string;
  network: string;
  unavailable(provider: string): string;
  limited: string;
  busy: string;
  invalid: string;
  signedOut: string;
  setUp: string;
  ours: string;
  insecure: string;
  storage: string;
  elsewhere: string;
}

/** Why an account stands as it does, where a person should know. */
export interface ReasonMessages {
  revoked(provider: string): string;
  refused(provider: string): string;
  ended: string;
  lost: string;
  unavailable(provider: string, next: string | null): string;
  actionNeeded(provider: string): string;
  ours: string;
  scopes(labels: string): string;
  unverified: string;
  expiring(when: string | null): string;
}

/** What the list itself says: needed at once. */
export interface CoreMessages {
  /** BCP 47, for `Intl` and `lang`. */
  locale: string;
  dir: 'ltr' | 'rtl';
  page: {
    title: string;
    intro: string;
    search: string;
    nothingFound(query: string): string;
    empty: string;
    loading: string;
  };
  card: {
    connect: string;
    connectTo(provider: string): string;
    connectAnother: string;
    connecting: string;
    tryAgain: string;
    /** Which sign-in a platform uses, where it is another one's. */
    through(name: string): string;
    session: string;
    notSetUp: string;
    permissions(granted: number | null, total: number): string;
    granted(permission: string): string;
    notGranted(permission: string): string;
  };
  status: Record<IntegrationStatus, string> & { none: string; renewing: string };
  reasons: ReasonMessages;
  account: {
    actions(name: string): string;
    /** What a button does, and to which account. */
    doFor(action: string, name: string): string;
    reconnect: string;
    allow: string;
    renew: string;
    tryNow: string;
    copyReference: string;
    copied: string;
    disconnect: string;
    renewed(when: string): string;
    connected(when: string): string;
    nextRenewal(when: string): string;
  };
  banner: {
    one(name: string, provider: string): string;
    several(count: number): string;
    start(name: string): string;
  };
  switcher: {
    label: string;
    choose: string;
    all: string;
    none: string;
  };
}

/** What is said once something happens. */
export interface ExtraMessages {
  outage: {
    /** `when` it was read; null if unknown. */
    stale(when: string | null): string;
    failed: string;
    nextTry(seconds: string): string;
    tryNow: string;
  };
  inApp: {
    text: string;
    copyLink: string;
  };
  flow: {
    starting(provider: string): string;
    waiting: string;
    unsure: string;
    reopen: string;
    cancel: string;
    tryAgainIn(seconds: string): string;
  };
  choose: {
    title(provider: string): string;
    intro: string;
    confirm(count: number): string;
  };
  credentials: {
    title(provider: string): string;
    steps(provider: string): readonly string[];
    paste: string;
    pasteHint: string;
    found: string;
    nothingFound: string;
    has(name: string): string;
    lacks(name: string): string;
    byHand: string;
    useThisBrowser: string;
    optional: string;
    required: string;
    warning: string;
    ends: string;
    consent: string;
    consentNeeded: string;
    save: string;
    needsComputer: string;
  };
  disconnect: {
    title(name: string, provider: string): string;
    text(provider: string): string;
    keeps: string;
    deleteData: string;
    confirm: string;
  };
  toast: {
    connected(names: readonly string[], list: string, provider: string): string;
    disconnected: Record<Revocation, (provider: string) => string>;
    renewed(name: string): string;
    dismiss: string;
  };
  returned: {
    done: string;
    working: string;
    elsewhere: string;
    back: string;
  };
  errors: ErrorMessages;
}

/** Every word that the components say. A language is one object of this type; nothing is optional, so none is missing. */
export interface Messages extends CoreMessages, ExtraMessages {}
