import { useRef } from 'react';
import type { Integration, Provider } from '../client/types.js';
import { Glyph } from './Glyph.js';
import { nameOf } from './names.js';
import { useAfterFirst } from './useAfterFirst.js';
import { useExtras } from './useExtras.js';
import { useUi } from './ui.js';

export interface AccountMenuProps {
  integration: Integration;
  provider: Provider | undefined;
  now: number | null;
}

/** A button with three dots; what it offers is loaded after the list, and opens then if it was asked for before. */
export function AccountMenu(props: AccountMenuProps) {
  const { account } = useUi().messages;
  const extras = useExtras(useAfterFirst());
  const button = useRef<HTMLButtonElement>(null);
  const isAwaited = useRef(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="eg-more"
        aria-label={account.actions(nameOf(props.integration))}
        aria-haspopup="menu"
        aria-expanded={false}
        onClick={() => void (isAwaited.current = !extras)}
      >
        <Glyph name="more" />
      </button>
      {extras && <extras.AccountActions {...props} button={button} isAwaited={isAwaited} />}
    </>
  );
}
