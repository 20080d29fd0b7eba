import type { IntegrationStatus } from '../client/types.js';

/** Messages that the list of integrations needs on first render. */
export interface CoreMessages {
  /** BCP 47 language tag, used for `Intl` and for the `lang` attribute, such as `en` or `fr-CA`. */
  locale: string;
  /** Writing direction of the language. */
  dir: 'ltr' | 'rtl';
  /** Texts of `IntegrationsPage`. */
  page: PageMessages;
  /** Texts of `IntegrationCard`, `ConnectButton` and `PermissionList`. */
  card: CardMessages;
  /**
   * Names of the account statuses; `limited` for a connected account without a requested permission, `none` for a
   * platform without accounts, `refreshing` during a refresh.
   */
  status: Record<IntegrationStatus | 'limited' | 'none' | 'refreshing', string>;
  /** One sentence for each reason why an account needs attention. */
  reasons: ReasonMessages;
  /** Texts of an account's row and menu. */
  account: AccountMessages;
  /** Texts of `ReconnectBanner`. */
  banner: BannerMessages;
  /** Texts of `AccountSwitcher`. */
  switcher: SwitcherMessages;
  /** Texts of the notice above the list if Evergrant cannot be reached. */
  outage: OutageMessages;
  /** Texts of the notice for browsers built into other apps. */
  inApp: InAppMessages;
}

/** Texts of `IntegrationsPage`. */
export interface PageMessages {
  /** Heading of the page. */
  title: string;
  /** Sentence below the heading. */
  intro: string;
  /** Label of the search field. */
  search: string;
  /** Shown when no platform matches the search text `query`. */
  nothingFound(query: string): string;
  /** Shown when no platform is configured. */
  empty: string;
  /** Announced to screen readers while the list loads. */
  loading: string;
}

/** Texts of `IntegrationCard`, `ConnectButton` and `PermissionList`. */
export interface CardMessages {
  /** Label of the button that connects the first account. */
  connect: string;
  /** Accessible name of the connect button, with the platform's name. */
  connectTo(provider: string): string;
  /** Label of the button that connects a further account. */
  connectAnother: string;
  /** Label of the connect button while its flow is in progress. */
  connecting: string;
  /** Label of the connect button after a failed flow. */
  tryAgain: string;
  /** Describes a platform whose users sign in with another platform, `name`. */
  via(name: string): string;
  /** Describes a platform that is connected with a session copied from the browser. */
  browserSession: string;
  /** Shown for a platform that the operator has not configured. */
  notConfigured: string;
  /** Summary of the permission list. `granted` is null while no account is connected. */
  permissions(granted: number | null, total: number): string;
  /** A granted permission, for screen readers. */
  granted(permission: string): string;
  /** A permission that was not granted, for screen readers. */
  notGranted(permission: string): string;
}

/** One sentence for each reason why an account needs attention. `provider` is the platform's name. */
export interface ReasonMessages {
  /** The user revoked access at the platform (`REVOKED_BY_USER`). */
  revoked(provider: string): string;
  /** The platform rejected the refresh token; also used for unknown reasons of status `expired`. */
  refused(provider: string): string;
  /** The session copied from the browser has ended (`SESSION_ENDED`). */
  sessionEnded: string;
  /** The response to the last refresh was lost, and with it the new token (`LOST_IN_FLIGHT`). */
  refreshLost: string;
  /** The platform does not respond. `next` is when the refresh is retried, relative to now; null if unknown. */
  unavailable(provider: string, next: string | null): string;
  /** The user must confirm something at the platform (`USER_ACTION_AT_PLATFORM`). */
  actionNeeded(provider: string): string;
  /** Evergrant cannot decrypt the stored token (`DECRYPTION_ERROR`). */
  internal: string;
  /** Permissions that were not granted; `labels` is a list such as "read posts and read comments". */
  scopes(labels: string): string;
  /** The session has not been verified at the platform yet (`UNVERIFIED`). */
  unverified: string;
  /** Access ends at `when`, relative to now, and cannot be refreshed; null if the time is unknown. */
  expiring(when: string | null): string;
}

/** Texts of an account's row and menu. */
export interface AccountMessages {
  /** Accessible name of the menu of the account `name`. */
  actions(name: string): string;
  /** Accessible name of a button: the `action` and the account `name` it applies to. */
  actionFor(action: string, name: string): string;
  /** Label of the action that signs in again. */
  reconnect: string;
  /** Label of the action that grants missing permissions. */
  allow: string;
  /** Label of the action that refreshes the token. */
  refresh: string;
  /** Label of the action that retries a failed refresh. */
  retry: string;
  /** Label of the action that copies the correlation id. */
  copyReference: string;
  /** Confirms that a text was copied. */
  copied: string;
  /** Label of the action that opens the disconnect dialog. */
  disconnect: string;
  /** When the token was last refreshed, relative to now. */
  refreshed(when: string): string;
  /** When the account was connected, relative to now; shown if it has never been refreshed. */
  connected(when: string): string;
  /** When the token is refreshed next, relative to now; shown after `refreshed` or `connected`. */
  nextRefresh(when: string): string;
}

/** Texts of `ReconnectBanner`; `one` is also the text of the toast for an account that expires. */
export interface BannerMessages {
  /** One account must be reconnected. */
  one(name: string, provider: string): string;
  /** Several accounts must be reconnected. */
  several(count: number): string;
  /** Label of the button that reconnects the first of several accounts. */
  start(name: string): string;
}

/** Texts of `AccountSwitcher`. */
export interface SwitcherMessages {
  /** Label of the select. */
  label: string;
  /** Placeholder while no account is selected. */
  choose: string;
  /** The option for all accounts. */
  all: string;
  /** Placeholder if no account is connected. */
  none: string;
}

/** Texts of the notice above the list if Evergrant cannot be reached. */
export interface OutageMessages {
  /** The list is out of date. `when` is the time of the last successful read; null if unknown. */
  stale(when: string | null): string;
  /** The list could not be loaded at all. */
  failed: string;
  /** Countdown to the next automatic attempt; `left` includes the unit. */
  nextTry(left: string): string;
  /** Label of the button that retries now. */
  retry: string;
}

/** Texts of the notice for browsers built into other apps. */
export interface InAppMessages {
  /** Explains that platforms refuse to sign users in from such a browser. */
  text: string;
  /** Label of the button that copies the page's URL. */
  copyLink: string;
}
