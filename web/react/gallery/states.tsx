/** Every component in every state, by name: `?state=page-mixed&scheme=dark&locale=fr`. */
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

export interface State {
  client: FakeClient;
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

/** A name that no line can be broken in, as an id of a platform's may be. */
const long = account(6, {
  provider: 'reddit',
  providerAccountId: 'r2',
  displayName: 'Juniper_of_the_very_long_name_that_somebody_chose_without_a_single_break_in_it',
});

const lost = { status: 'expired', isConnected: false, statusReason: 'REVOKED_BY_USER' } as const;
const well = [studio, shop, makes, vale];

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
const fields = sampleProviders[3]?.fields ?? [];
const credentials = { step: 'credentials', provider: 'onlyfans', flowId: 'f1', fields } as const;
const choices = [
  { providerAccountId: 'i1', displayName: 'Juniper Studio', username: 'juniper' },
  { providerAccountId: 'i2', displayName: 'Juniper Shop', username: 'juniper.shop' },
  { providerAccountId: 'i3', displayName: 'Wren & Daughters', username: 'wrenanddaughters' },
];

/** Tells of it again whenever it has gone, so that there is time to look. */
function Telling({ client, event }: { client: FakeClient; event: ClientEvent }) {
  useEffect(() => {
    const tell = () => toasts.get().length > 0 || client.emit(event);
    tell();
    const untell = toasts.subscribe(tell);
    return () => {
      untell();
      toasts.set([]);
    };
  }, [client, event]);
  return <EvergrantToaster />;
}

function telling(event: ClientEvent): State {
  const state = alone(null);
  return { ...state, view: <Telling client={state.client} event={event} /> };
}

function alone(view: ReactNode, integrations: readonly Integration[] = well): State {
  return { client: createFakeClient({ integrations, providers: sampleProviders }), view };
}

function changed(state: State, change: Parameters<FakeClient['set']>[0]): State {
  state.client.set(change);
  return state;
}

export const STATES: Readonly<Record<string, () => State>> = {
  'page-new': () => page([]),
  'page-well': () => page([...well, fans]),
  'page-mixed': () =>
    page([
      studio,
      { ...shop, ...lost },
      { ...makes, status: 'error', statusReason: 'PROVIDER_UNAVAILABLE', nextRefreshAt: ago(-0.08) },
      { ...vale, statusReason: 'SCOPE_MISSING', missingScopes: ['history'] },
    ]),
  'page-reasons': () =>
    page([
      { ...studio, ...lost, statusReason: 'REFRESH_TOKEN_INVALID' },
      { ...shop, status: 'expiring', expiresAt: ago(-70) },
      { ...makes, status: 'error', statusReason: 'USER_ACTION_AT_PLATFORM' },
      { ...vale, status: 'error', statusReason: 'DECRYPTION_ERROR' },
      { ...fans, ...lost, statusReason: 'SESSION_ENDED' },
      { ...fans, id: 6, providerAccountId: '900002', displayName: 'Kiln', statusReason: 'UNVERIFIED' },
    ]),
  'page-loading': () => changed(page([], undefined, []), { loading: true }),
  'page-empty': () => page([], undefined, []),
  'page-failed': () =>
    changed(page([], undefined, []), { error: error('NETWORK_ERROR'), retryAt: Date.now() + 12_000 }),
  'page-signed-out': () => changed(page([], undefined, []), { error: error('UNAUTHENTICATED') }),
  'page-stale': () =>
    changed(page(well), {
      error: error('NETWORK_ERROR'),
      stale: true,
      readAt: Date.now() - 300_000,
      retryAt: Date.now() + 12_000,
      live: 'offline',
    }),
  'page-stale-signed-out': () =>
    changed(page(well), { error: error('UNAUTHENTICATED'), stale: true, readAt: Date.now() - 300_000 }),
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
        displayName: 'The Very Long Name of an Account That Somebody Chose',
        username: 'averyveryverylonghandlewithoutanybreak',
      },
    ]),
  'page-refreshing': () => changed(page(well), { busy: ['tiktok/t1'] }),
  'flow-starting': () => page([studio], { step: 'starting', provider: 'reddit' }),
  'flow-waiting': () => page([studio], { step: 'waiting', ...at }),
  'flow-unsure': () => page([studio], { step: 'unsure', ...at }),
  'flow-denied': () => page([studio], { step: 'failed', ...at, error: error('OAUTH_DENIED') }),
  'flow-limited': () =>
    page([studio], {
      step: 'failed',
      ...at,
      error: new EvergrantError('RATE_LIMIT_ERROR', 'too often', {
        retryAfter: 90,
        correlationId: 'c-7f3a91',
      }),
    }),
  'flow-fault': () =>
    page([studio, { ...vale, ...lost }], {
      step: 'failed',
      ...at,
      accountId: 'r1',
      error: new EvergrantError('INTERNAL_ERROR', 'a fault', { correlationId: 'c-7f3a91' }),
    }),
  'flow-taken': () =>
    page([studio, vale], { step: 'failed', ...at, error: error('ACCOUNT_ALREADY_CONNECTED') }),
  'dialog-choose': () =>
    page([studio], {
      step: 'choose',
      provider: 'instagram',
      flowId: 'f1',
      accounts: choices,
      busy: false,
    }),
  'dialog-credentials': () => page(well, { ...credentials, busy: false }),
  'dialog-credentials-refused': () =>
    page(well, {
      ...credentials,
      busy: false,
      error: error('VALIDATION_ERROR', { 'values.sess': 'OnlyFans does not accept this session.' }),
    }),
  'dialog-disconnect': () =>
    alone(
      <>
        <IntegrationsPage />
        <DisconnectDialog integration={shop} onClose={() => {}} />
      </>,
    ),
  banner: () => alone(<ReconnectBanner />, [{ ...shop, ...lost }]),
  'banner-several': () =>
    alone(<ReconnectBanner />, [
      { ...shop, ...lost },
      { ...vale, ...lost },
    ]),
  'banner-long': () =>
    alone(<ReconnectBanner />, [
      { ...long, ...lost },
      { ...vale, ...lost },
    ]),
  'dialog-long': () => alone(<DisconnectDialog integration={long} onClose={() => {}} />, [long]),
  toast: () => telling({ type: 'needs-reconnect', integration: { ...shop, ...lost } }),
  'toast-long': () => telling({ type: 'connected', provider: 'reddit', integrations: [long] }),
  'switcher-long': () => alone(<AccountSwitcher value={long} onChange={() => {}} />, [long]),
  switcher: () => alone(<AccountSwitcher value={studio} onChange={() => {}} allowAll />),
  'switcher-empty': () => alone(<AccountSwitcher value={null} onChange={() => {}} />, []),
  parts: () =>
    alone(
      <>
        {['instagram', 'tiktok', 'reddit', 'onlyfans', 'acme'].map((provider) => (
          <IntegrationIcon key={provider} provider={provider} label={provider} />
        ))}
        {(['connected', 'expiring', 'expired', 'error', 'none'] as const).map((status) => (
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
