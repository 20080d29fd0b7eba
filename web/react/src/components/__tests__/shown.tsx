/** Renders with a fake client, and presses keys as a keyboard would. */
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { userEvent } from 'vitest/browser';
import { EvergrantProvider, type EvergrantProviderProps } from '../../index.js';
import { createFakeClient, type FakeOptions, sampleProviders } from '../../testing/index.js';
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
