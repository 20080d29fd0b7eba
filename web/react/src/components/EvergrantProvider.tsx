import { useMemo } from 'react';
import { enCore } from '../messages/en-core.js';
import type { Messages } from '../messages/types.js';
import {
  EvergrantProvider as ClientProvider,
  type EvergrantProviderProps as ClientProps,
} from '../react/EvergrantProvider.js';
import { type Theme, UiContext } from './ui.js';

export interface EvergrantProviderProps extends ClientProps {
  /** A language of `@evergrant/react/locales/*`, or your own; English by default. */
  messages?: Messages;
  /** `auto` follows the page's `color-scheme`. */
  theme?: Theme;
}

/** Puts one client and one language above all that shows integrations. */
export function EvergrantProvider(props: EvergrantProviderProps) {
  const { messages = enCore, theme = 'auto', ...rest } = props;
  const settings = useMemo(() => ({ messages, theme }), [messages, theme]);
  return (
    <UiContext.Provider value={settings}>
      <ClientProvider {...rest} />
    </UiContext.Provider>
  );
}
