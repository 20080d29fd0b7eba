/**
 * Every component in every state, by the name that the gallery takes:
 * `?state=page-mixed&locale=fr`.
 */
import { type ReactNode, useEffect } from 'react';
import { toasts } from '../src/components/toasts.js';
import {
  AccountSwitcher,
  type ClientEvent,
  ConnectButton,
  DisconnectDialog,
  EvergrantError,
  EvergrantToaster,
  type FlowState,
  IntegrationIcon,
  IntegrationsPage,
  IntegrationStatus,
  type Integration,
  type Provider,
  ReconnectBanner,
} from '../src/index.js';
import {
  createFakeClient,
  type FakeClient,
  sampleIntegration,
  sampleProviders,
} from '../src/testing/index.js';
import type { ErrorDetails } from '../src/client/error.js';

/** A state of the gallery. */
export interface State {
  /** The client that the view uses. */
  client: FakeClient;
  /** The components to show. */
  view: ReactNode;
}

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

function account(id: number, change: Partial<Integration>): Integration {
  return sampleIntegration({
    id,
    createdAt: ago(2200),
    updatedAt: ago(2),
    lastRefreshedAt: ago(2),
    nextRefreshAt: ago(-22),
    expiresAt: ago(-24),
    correlationId: 'c-7f3a91',
    ...change,
  });
}

const studio = account(1, {
  provider: 'instagram',
  providerAccountId: 'i1',
  displayName: 'Juniper Studio',
  username: 'juniper',
});
const shop = account(2, {
  provider: 'instagram',
  providerAccountId: 'i2',
  displayName: 'Juniper Shop',
  username: 'juniper.shop',
});
const makes = account(3, {
  provider: 'tiktok',
  providerAccountId: 't1',
  displayName: 'juniper.makes',
  username: 'juniper.makes',
});
const vale = account(4, {
  provider: 'reddit',
  providerAccountId: 'r1',
  displayName: 'juniper_vale',
  username: 'juniper_vale',
});
const fans = account(5, {
  provider: 'onlyfans',
  providerAccountId: '900001',
  displayName: 'Juniper',
  username: 'juniperafterdark',
});

/** An account whose name has no place to break a line, such as an id of the platform. */
const long = account(6, {
  provider: 'reddit',
  providerAccountId: 'r2',
  displayName: 'Juniper_with_a_very_long_name_that_has_not_a_single_place_to_break_the_line_in_it',
});

const lost = { status: 'expired', isConnected: false, statusReason: 'REVOKED_BY_USER' } as const;
const connected = [studio, shop, makes, vale];

function page(
  integrations: readonly Integration[],
  flow?: FlowState,
  providers: readonly Provider[] = sampleProviders,
): State {
  const client = createFakeClient({ integrations, providers });
  if (flow) client.set({ flow });
  return { client, view: <IntegrationsPage /> };
}

const at = { provider: 'reddit', flowId: 'f1' } as const;
const error = (code: ConstructorParameters<typeof EvergrantError>[0], fields?: Record<string, string>) =>
  new EvergrantError(code, code, fields ? { fields } : {});
const failed = (code: EvergrantError['code'], details: ErrorDetails = {}, accountId?: string) => ({
  ...at,
  step: 'failed' as const,
  accountId,
  error: new EvergrantError(code, code, { correlationId: 'c-7f3a91', ...details }),
});
const fields = sampleProviders[3]?.fields ?? [];
const credentials = { step: 'credentials', provider: 'onlyfans', flowId: 'f1', fields } as const;
const choices = [
  { providerAccountId: 'i1', displayName: 'Juniper Studio', username: 'juniper' },
  { providerAccountId: 'i2', displayName: 'Juniper Shop', username: 'juniper.shop' },
  { providerAccountId: 'i3', displayName: 'Wren & Daughters', username: 'wrenanddaughters' },
];

/** Emits the event again whenever its toast has disappeared, so that it stays visible. */
function RepeatingToast({ client, event }: { client: FakeClient; event: ClientEvent }) {
  useEffect(() => {
    const emit = () => toasts.get().length > 0 || client.emit(event);
    emit();
    const unsubscribe = toasts.subscribe(emit);
    return () => {
      unsubscribe();
      toasts.set([]);
    };
  }, [client, event]);
  return <EvergrantToaster />;
}

function toastFor(event: ClientEvent): State {
  const state = component(null);
  return { ...state, view: <RepeatingToast client={state.client} event={event} /> };
}

function component(view: ReactNode, integrations: readonly Integration[] = connected): State {
  return { client: createFakeClient({ integrations, providers: sampleProviders }), view };
}

function withChange(state: State, change: Parameters<FakeClient['set']>[0]): State {
  state.client.set(change);
  return state;
}

/** Creates each state, by name. */
/** The states by name. */
export const STATES: Readonly<Record<string, () => State>> = {
  'page-new': () => page([]),
  'page-connected': () => page([...connected, fans]),
  'page-mixed': () =>
    page([
      studio,
      { ...shop, ...lost },
      { ...makes, status: 'error', statusReason: 'PROVIDER_UNAVAILABLE', nextRefreshAt: ago(-0.08) },
      { ...vale, remarks: ['SCOPE_MISSING'], missingScopes: ['history'] },
    ]),
  'page-reasons': () =>
    page([
      { ...studio, ...lost, statusReason: 'REFRESH_TOKEN_INVALID' },
      { ...shop, status: 'expiring', expiresAt: ago(-70) },
      { ...makes, status: 'error', statusReason: 'USER_ACTION_AT_PLATFORM' },
      { ...vale, status: 'error', statusReason: 'DECRYPTION_ERROR' },
      { ...fans, ...lost, statusReason: 'SESSION_ENDED' },
      { ...fans, id: 6, providerAccountId: '900002', displayName: 'Kiln', remarks: ['UNVERIFIED'] },
    ]),
  'page-permissions': () =>
    page([
      { ...studio, remarks: ['SCOPE_MISSING'], missingScopes: ['instagram_manage_insights'] },
      shop,
      { ...vale, remarks: ['REFRESH_RETRYING', 'SCOPE_MISSING'], missingScopes: ['history'] },
    ]),
  'page-loading': () => withChange(page([], undefined, []), { loading: true }),
  'page-empty': () => page([], undefined, []),
  'page-failed': () =>
    withChange(page([], undefined, []), { error: error('BROWSER_OFFLINE'), retryAt: Date.now() + 12_000 }),
  'page-signed-out': () => withChange(page([], undefined, []), { error: error('UNAUTHENTICATED') }),
  'page-stale': () =>
    withChange(page(connected), {
      error: error('BROWSER_OFFLINE'),
      stale: true,
      readAt: Date.now() - 300_000,
      retryAt: Date.now() + 12_000,
      live: 'offline',
    }),
  'page-stale-signed-out': () =>
    withChange(page(connected), {
      error: error('UNAUTHENTICATED'),
      stale: true,
      readAt: Date.now() - 300_000,
    }),
  'page-unconfigured': () => ({
    ...page(
      [],
      undefined,
      sampleProviders.map((one) => (one.provider === 'tiktok' ? { ...one, configured: false } : one)),
    ),
    view: <IntegrationsPage showUnconfigured />,
  }),
  'page-many': () =>
    page(
      [],
      undefined,
      'Acme Birch Cedar Dune Ember Fjord Gale Heath Isle'.split(' ').map((name) => ({
        ...(sampleProviders[2] as Provider),
        provider: name.toLowerCase(),
        name,
        accountType: `${name} account`,
      })),
    ),
  'page-long': () =>
    page([
      {
        ...vale,
        displayName: 'The Very Long Name That an Account Can Have Anywhere',
        username: 'averyveryverylonghandlewithoutanybreak',
      },
    ]),
  'page-refreshing': () => withChange(page(connected), { busy: ['tiktok/t1'] }),
  'flow-starting': () => page([studio], { step: 'starting', provider: 'reddit' }),
  'flow-waiting': () => page([studio], { step: 'waiting', ...at }),
  'flow-unsure': () => page([studio], { step: 'unsure', ...at }),
  'flow-denied': () => page([studio], { step: 'failed', ...at, error: error('OAUTH_DENIED') }),
  'flow-limited': () => page([studio], failed('RATE_LIMIT_ERROR', { retryAfter: 90 })),
  'flow-unreachable': () => page([studio, vale], failed('NETWORK_ERROR', { retryAfter: 30 })),
  'flow-mismatch': () => {
    const accounts = [{ providerAccountId: 'r2', username: 'other_vale', displayName: null }];
    return page([studio, { ...vale, ...lost }], failed('ACCOUNT_MISMATCH', { accounts }, 'r1'));
  },
  'flow-no-account': () => page([vale], { ...failed('NO_ELIGIBLE_ACCOUNT'), provider: 'instagram' }),
  'flow-error': () => page([studio, { ...vale, ...lost }], failed('INTERNAL_ERROR', {}, 'r1')),
  'flow-taken': () => page([studio, vale], failed('ACCOUNT_ALREADY_CONNECTED')),
  'dialog-choose': () =>
    page([studio], {
      step: 'choose',
      provider: 'instagram',
      flowId: 'f1',
      accounts: choices,
      busy: false,
    }),
  'dialog-credentials': () => page(connected, { ...credentials, busy: false }),
  'dialog-credentials-rejected': () =>
    page(connected, {
      ...credentials,
      busy: false,
      error: error('VALIDATION_ERROR', { 'values.sess': 'OnlyFans rejected this session.' }),
    }),
  'dialog-disconnect': () =>
    component(
      <>
        <IntegrationsPage />
        <DisconnectDialog integration={shop} onClose={() => {}} />
      </>,
    ),
  banner: () => component(<ReconnectBanner />, [{ ...shop, ...lost }]),
  'banner-several': () =>
    component(<ReconnectBanner />, [
      { ...shop, ...lost },
      { ...vale, ...lost },
    ]),
  'banner-long': () =>
    component(<ReconnectBanner />, [
      { ...long, ...lost },
      { ...vale, ...lost },
    ]),
  'dialog-long': () => component(<DisconnectDialog integration={long} onClose={() => {}} />, [long]),
  toast: () => toastFor({ type: 'needs-reconnect', integration: { ...shop, ...lost } }),
  'toast-long': () => toastFor({ type: 'connected', provider: 'reddit', integrations: [long] }),
  'switcher-long': () => component(<AccountSwitcher value={long} onChange={() => {}} />, [long]),
  switcher: () => component(<AccountSwitcher value={studio} onChange={() => {}} allowAll />),
  'switcher-empty': () => component(<AccountSwitcher value={null} onChange={() => {}} />, []),
  parts: () =>
    component(
      <>
        {['instagram', 'tiktok', 'reddit', 'onlyfans', 'acme'].map((provider) => (
          <IntegrationIcon key={provider} provider={provider} label={provider} />
        ))}
        {(['connected', 'limited', 'expiring', 'expired', 'error', 'none'] as const).map((status) => (
          <p key={status}>
            <IntegrationStatus status={status} />
          </p>
        ))}
        <ConnectButton provider="reddit" />
        <ConnectButton provider="reddit" variant="primary" />
        <EvergrantToaster />
      </>,
    ),
};
