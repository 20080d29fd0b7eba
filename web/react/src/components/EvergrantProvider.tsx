import { useMemo } from 'react';
import { enCore } from '../messages/en-core.js';
import type { Messages } from '../messages/types.js';
import {
  EvergrantProvider as ClientProvider,
  type EvergrantProviderProps as ClientProps,
} from '../react/EvergrantProvider.js';
import { type Theme, UiContext } from './ui.js';

/** The props of `EvergrantProvider`. */
export interface EvergrantProviderProps extends ClientProps {
  /**
   * The language of the components: one of `@evergrant/react/locales/*` or your own.
   *
   * @default English
   */
  messages?: Messages;
  /**
   * The colour scheme of the components; `auto` follows the page's `color-scheme`.
   *
   * @default 'auto'
   */
  theme?: Theme;
}

/** Provides the client, the language and the theme to the hooks and components below it. */
export function EvergrantProvider(props: EvergrantProviderProps) {
  const { messages = enCore, theme = 'auto', ...rest } = props;
  const settings = useMemo(() => ({ messages, theme }), [messages, theme]);
  return (
    <UiContext.Provider value={settings}>
      <ClientProvider {...rest} />
    </UiContext.Provider>
  );
}
