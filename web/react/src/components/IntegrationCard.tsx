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

/** The props of `IntegrationCard`. */
export interface IntegrationCardProps {
  /** The platform. */
  provider: ProviderId;
  /**
   * The level of the card's heading in your page's outline.
   *
   * @default 2
   */
  headingLevel?: 2 | 3 | 4 | 5 | 6;
  /** The `id` of the account whose reconnect button uses the primary style. */
  primaryId?: number | undefined;
}

/** A platform with its connected accounts and actions. Renders nothing if the catalogue does not list the platform. */
export function IntegrationCard({ provider, headingLevel = 2, primaryId }: IntegrationCardProps) {
  const { root } = useUi();
  const entry = useIntegration(provider);
  const id = useId();
  const focus = useCardFocus(provider);
  if (!entry) return null;
  const { integrations, scopes } = entry;
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
      <FlowStrip provider={entry} />
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
  const { provider, name, kind, configured, signInWith, accountSummary, accountType, integrations } = entry;
  const signIn =
    kind === 'cookies'
      ? card.browserSession
      : (accountSummary ?? (signInWith ? card.via(signInWith) : accountType));
  const Heading = `h${headingLevel}` as const;
  const failed = flow.step === 'failed' && flow.provider === provider && !flow.accountId;
  return (
    <header className="eg-card-head">
      <IntegrationIcon provider={provider} name={name} />
      <div className="eg-card-name">
        <Heading id={headingId} className="eg-card-title">
          {name}
        </Heading>
        <p className="eg-note">{configured ? signIn : card.notConfigured}</p>
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
 * Focuses the card when its flow has ended, so that a user who returns from the consent page is at the right place, and
 * when the focused element was removed from it.
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

/** Focuses the card if `enabled` and no other element has the focus. Returns whether it did. */
function focusCard(card: HTMLElement | null, enabled: boolean): boolean {
  const isFree = enabled && document.activeElement === document.body;
  if (isFree) card?.focus({ preventScroll: true });
  return isFree;
}
