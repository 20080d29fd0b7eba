/** Renders with a fake client, two accounts to show, and keys as a keyboard would press them. */
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
// Loaded beforehand, so that what is loaded later is there at once.
import '../extras/index.js';

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

export const press = (...keys: string[]) => userEvent.keyboard(keys.map((key) => `{${key}}`).join(''));

export const focused = () => document.activeElement;

export const studio = sampleIntegration({
  id: 1,
  provider: 'instagram',
  providerAccountId: 'i1',
  displayName: 'Juniper Studio',
});
export const vale = sampleIntegration({
  id: 2,
  provider: 'reddit',
  providerAccountId: 'r1',
  displayName: 'Juniper Vale',
});
export const lost = { status: 'expired', statusReason: 'REVOKED_BY_USER', isConnected: false } as const;

export const card = (name: string) => screen.getByRole('article', { name });
