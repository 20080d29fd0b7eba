import { type ReactNode, useRef } from 'react';
import { Glyph } from './Glyph.js';
import { useAfterFirstRender } from './useAfterFirstRender.js';
import { useExtras } from './useExtras.js';

/** An item of a menu. */
export interface MenuItem {
  /** Its text. */
  label: string;
  /** Called when the user selects it. */
  onSelect(): void;
}

/** The props of `Menu`. */
export interface MenuProps {
  /** The accessible name of the button and the menu. */
  label: string;
  /** Shown above the items. */
  note?: ReactNode;
  /** The items. */
  items: readonly MenuItem[];
}

/** A button with three dots that opens a menu. If it is clicked before the menu is loaded, the menu opens afterwards. */
export function Menu(props: MenuProps) {
  const extras = useExtras(useAfterFirstRender());
  const button = useRef<HTMLButtonElement>(null);
  const opensOnLoad = useRef(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="eg-more"
        aria-label={props.label}
        aria-haspopup="menu"
        aria-expanded={false}
        onClick={() => void (opensOnLoad.current = !extras)}
      >
        <Glyph name="more" />
      </button>
      {extras && <extras.MenuPopover {...props} button={button} opensOnLoad={opensOnLoad} />}
    </>
  );
}
