import { useId, useState } from 'react';
import type { ProviderId, ProviderIntegrations } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { CardSkeletons } from './CardSkeletons.js';
import { EvergrantToaster } from './EvergrantToaster.js';
import { FlowDialogs } from './FlowDialogs.js';
import { IntegrationCard, type IntegrationCardProps } from './IntegrationCard.js';
import { InAppNotice } from './InAppNotice.js';
import { OutageNotice } from './OutageNotice.js';
import { useFixedOrder } from './useFixedOrder.js';
import { useUi } from './ui.js';

/** The props of `IntegrationsPage`. */
export interface IntegrationsPageProps {
  /** Shows only these platforms. */
  only?: readonly ProviderId[];
  /**
   * The level of the page's heading; the cards' headings are one level below. Null omits the heading and the
   * introduction.
   *
   * @default 1
   */
  headingLevel?: 1 | 2 | 3 | null;
  /**
   * Whether to show platforms that the operator has not configured.
   *
   * @default false
   */
  showUnconfigured?: boolean;
  /**
   * Whether to render an `EvergrantToaster`; set it to false if your page has one already.
   *
   * @default true
   */
  toaster?: boolean;
}

/** The number of platforms from which a search field is shown. */
const SEARCH_FROM = 9;

/** The complete page on which users connect, reconnect and disconnect accounts. */
export function IntegrationsPage(props: IntegrationsPageProps) {
  const { only, headingLevel = 1, showUnconfigured = false, toaster = true } = props;
  const { messages, root } = useUi();
  const { providers, integrations, loading } = useIntegrations(only ? { only } : {});
  const [query, setQuery] = useState('');
  const usable = providers.filter((one) => showUnconfigured || one.configured || one.integrations.length > 0);
  const ordered = useFixedOrder(usable);
  const shown = ordered.filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()));
  const level = ((headingLevel ?? 1) + 1) as NonNullable<IntegrationCardProps['headingLevel']>;
  const first = integrations.find((one) => one.status === 'expired');
  return (
    <section {...root} className="eg-root eg-page" aria-busy={loading || undefined}>
      {headingLevel !== null && <PageHead level={headingLevel} />}
      <InAppNotice />
      <OutageNotice />
      {usable.length >= SEARCH_FROM && <Search query={query} onChange={setQuery} />}
      {loading ? (
        <CardSkeletons />
      ) : (
        <Cards
          shown={shown}
          level={level}
          primaryId={first?.id}
          emptyText={emptyText(messages.page, query)}
        />
      )}
      <FlowDialogs />
      {toaster && <EvergrantToaster />}
    </section>
  );
}

function PageHead({ level }: { level: 1 | 2 | 3 }) {
  const { page } = useUi().messages;
  const Heading = `h${level}` as const;
  return (
    <header className="eg-page-head">
      <Heading className="eg-page-title">{page.title}</Heading>
      <p>{page.intro}</p>
    </header>
  );
}

function Search({ query, onChange }: { query: string; onChange(query: string): void }) {
  const { page } = useUi().messages;
  const id = useId();
  return (
    <div className="eg-field eg-search">
      <label htmlFor={id}>{page.search}</label>
      <input id={id} type="search" value={query} onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}

interface CardsProps {
  shown: readonly ProviderIntegrations[];
  level: NonNullable<IntegrationCardProps['headingLevel']>;
  primaryId: number | undefined;
  emptyText: string;
}

function Cards({ shown, level, primaryId, emptyText: text }: CardsProps) {
  const { error } = useIntegrations();
  if (shown.length === 0) return error ? null : <p className="eg-empty">{text}</p>;
  return (
    <div className="eg-grid">
      {shown.map(({ provider }) => (
        <IntegrationCard key={provider} provider={provider} headingLevel={level} primaryId={primaryId} />
      ))}
    </div>
  );
}

const emptyText = (page: { empty: string; nothingFound(query: string): string }, query: string) =>
  query ? page.nothingFound(query) : page.empty;
