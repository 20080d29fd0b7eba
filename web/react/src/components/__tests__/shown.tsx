/** Helpers for component tests: rendering with a fake client, sample accounts, and key presses. */
import { render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { userEvent } from 'vitest/browser';
import { EvergrantProvider, type EvergrantProviderProps } from '../../index.js';
import {
  createFakeClient,
  type FakeOptions,
  sampleIntegration,
  sampleProviders,
} from '../../testing/index.js';
// Loaded in advance, so that lazy components render at once.
import '../extras/index.js';

/** Renders `view` with a fake client. */
export function show(
  view: ReactNode,
  options: FakeOptions = {},
  props: Partial<EvergrantProviderProps> = {},
) {
  const client = createFakeClient({ providers: sampleProviders, ...options });
  const shown = render(
    <EvergrantProvider client={client} {...props}>
      {view}
    </EvergrantProvider>,
  );
  return { client, ...shown };
}

/** Presses keys one after the other. */
export const press = (...keys: string[]) => userEvent.keyboard(keys.map((key) => `{${key}}`).join(''));

/** Returns the focused element. */
export const focused = () => document.activeElement;

/** A connected Instagram account. */
export const studio = sampleIntegration({
  id: 1,
  provider: 'instagram',
  providerAccountId: 'i1',
  displayName: 'Juniper Studio',
});
/** A connected Reddit account. */
export const vale = sampleIntegration({
  id: 2,
  provider: 'reddit',
  providerAccountId: 'r1',
  displayName: 'Juniper Vale',
});
/** Makes an account one whose access the user has revoked. */
export const lost = { status: 'expired', statusReason: 'REVOKED_BY_USER', isConnected: false } as const;

/** Returns the card of a platform. */
export const card = (name: string) => screen.getByRole('article', { name });
