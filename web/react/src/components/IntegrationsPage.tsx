import { useId, useState } from 'react';
import type { ProviderId, ProviderIntegrations } from '../client/types.js';
import { useIntegrations } from '../react/useIntegrations.js';
import { CardSkeletons } from './CardSkeletons.js';
import { EvergrantToaster } from './EvergrantToaster.js';
import { FlowDialogs } from './FlowDialogs.js';
import { IntegrationCard, type IntegrationCardProps } from './IntegrationCard.js';
import { PageNotices } from './PageNotices.js';
import { useFixedOrder } from './useFixedOrder.js';
import { useUi } from './ui.js';

export interface IntegrationsPageProps {
  /** These platforms alone. */
  only?: readonly ProviderId[];
  /** Of the page's own heading, the cards' are one below; 1. Null leaves the heading and its sentence to you. */
  headingLevel?: 1 | 2 | 3 | null;
  /** Shows platforms that the operator has not set up; false. */
  showUnconfigured?: boolean;
  /** Leave it out where your page has an `EvergrantToaster` already; true. */
  toaster?: boolean;
}

/** From so many platforms on, one can search among them. */
const SEARCH_FROM = 9;

/** All that a user needs to connect, mend and disconnect accounts. */
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
      <PageNotices />
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
