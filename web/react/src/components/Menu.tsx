import { type ReactNode, useRef } from 'react';
import { Glyph } from './Glyph.js';
import { useAfterFirst } from './useAfterFirst.js';
import { useExtras } from './useExtras.js';

export interface MenuItem {
  label: string;
  onSelect(): void;
}

export interface MenuProps {
  label: string;
  /** Stands above the items. */
  note?: ReactNode;
  items: readonly MenuItem[];
}

/** A button with three dots; what it offers is loaded after the list, and opens then if it was asked for before. */
export function Menu(props: MenuProps) {
  const extras = useExtras(useAfterFirst());
  const button = useRef<HTMLButtonElement>(null);
  const isAwaited = useRef(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="eg-more"
        aria-label={props.label}
        aria-haspopup="menu"
        aria-expanded={false}
        onClick={() => void (isAwaited.current = !extras)}
      >
        <Glyph name="more" />
      </button>
      {extras && <extras.MenuPopover {...props} button={button} isAwaited={isAwaited} />}
    </>
  );
}
