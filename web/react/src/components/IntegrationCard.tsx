import { type FocusEvent, useEffect, useId, useRef } from 'react';
import type { ProviderId, ProviderIntegrations } from '../client/types.js';
import { useConnectFlow } from '../react/useConnectFlow.js';
import { useIntegration } from '../react/useIntegration.js';
import { AccountRow } from './AccountRow.js';
import { ConnectButton } from './ConnectButton.js';
import { FlowStrip } from './FlowStrip.js';
import { IntegrationIcon } from './IntegrationIcon.js';
import { PermissionList } from './PermissionList.js';
import { useUi } from './ui.js';

export interface IntegrationCardProps {
  provider: ProviderId;
  /** Of its heading, so that your page's outline stays whole; 2. */
  headingLevel?: 2 | 3 | 4 | 5 | 6;
  /** The account whose button is the one primary of the view. */
  primaryId?: number | undefined;
}

/** A platform: what it is, which accounts are connected, and what to do next. Nothing for one that does not exist. */
export function IntegrationCard({ provider, headingLevel = 2, primaryId }: IntegrationCardProps) {
  const { root } = useUi();
  const entry = useIntegration(provider);
  const id = useId();
  const focus = useCardFocus(provider);
  if (!entry) return null;
  const { integrations, name, scopes } = entry;
  const isConnected = integrations.length > 0;
  return (
    <article
      {...root}
      {...focus}
      tabIndex={-1}
      className="eg-root eg-card"
      data-provider={provider}
      data-status={isConnected ? 'connected' : 'none'}
      aria-labelledby={id}
    >
      <CardHead entry={entry} headingId={id} headingLevel={headingLevel} />
      {isConnected && (
        <ul className="eg-accounts">
          {integrations.map((one) => (
            <AccountRow key={one.id} integration={one} provider={entry} primary={one.id === primaryId} />
          ))}
        </ul>
      )}
      <FlowStrip provider={provider} name={name} />
      {(isConnected || scopes.length > 0) && <CardFoot entry={entry} />}
    </article>
  );
}

function CardHead({
  entry,
  headingId,
  headingLevel,
}: {
  entry: ProviderIntegrations;
  headingId: string;
  headingLevel: 2 | 3 | 4 | 5 | 6;
}) {
  const { card } = useUi().messages;
  const flow = useConnectFlow();
  const { provider, name, kind, configured, signInWith, accountType, integrations } = entry;
  const way = kind === 'cookies' ? card.session : signInWith ? card.through(signInWith) : accountType;
  const Heading = `h${headingLevel}` as const;
  const failed = flow.step === 'failed' && flow.provider === provider && !flow.accountId;
  return (
    <header className="eg-card-head">
      <IntegrationIcon provider={provider} name={name} />
      <div className="eg-card-name">
        <Heading id={headingId} className="eg-card-title">
          {name}
        </Heading>
        <p className="eg-note">{configured ? way : card.notSetUp}</p>
      </div>
      {configured && integrations.length === 0 && (
        <ConnectButton provider={provider}>{failed ? card.tryAgain : undefined}</ConnectButton>
      )}
    </header>
  );
}

function CardFoot({ entry }: { entry: ProviderIntegrations }) {
  const { card } = useUi().messages;
  const { provider, configured, integrations } = entry;
  return (
    <footer className="eg-card-foot">
      <PermissionList provider={entry} />
      {configured && integrations.length > 0 && (
        <ConnectButton provider={provider} variant="quiet">
          {card.connectAnother}
        </ConnectButton>
      )}
    </footer>
  );
}

/**
 * Whoever was sent away to connect lands on the card that this was about; and what had the focus and is gone leaves it to
 * its card.
 */
function useCardFocus(provider: ProviderId) {
  const card = useRef<HTMLElement>(null);
  const last = useRef<Element>(undefined);
  const flow = useConnectFlow();
  const ended = (flow.step === 'connected' || flow.step === 'failed') && flow.provider === provider;
  useEffect(() => {
    if (focusCard(card.current, ended)) card.current?.scrollIntoView({ block: 'nearest' });
  }, [ended]);
  useEffect(() => void focusCard(card.current, last.current?.isConnected === false));
  return { ref: card, onFocus: ({ target }: FocusEvent) => void (last.current = target) };
}

/** Where nothing else has the focus. */
function focusCard(card: HTMLElement | null, wanted: boolean): boolean {
  const isFree = wanted && document.activeElement === document.body;
  if (isFree) card?.focus({ preventScroll: true });
  return isFree;
}
