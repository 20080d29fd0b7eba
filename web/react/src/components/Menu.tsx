import { type ReactNode, useId } from 'react';
import { Glyph } from './Glyph.js';
import { useMenu } from './useMenu.js';

export interface MenuItem {
  label: string;
  onSelect(): void;
}

interface MenuProps {
  label: string;
  /** Stands above the items. */
  note?: ReactNode;
  items: readonly MenuItem[];
}

/** A button with three dots, and what it offers. */
export function Menu({ label, note, items }: MenuProps) {
  const { button, popover, open, onButtonKey, onMenuKey, close } = useMenu();
  const id = useId();
  return (
    <>
      <button
        ref={button}
        type="button"
        className="eg-more"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={id}
        onKeyDown={onButtonKey}
      >
        <Glyph name="more" />
      </button>
      <div ref={popover} id={id} popover="auto" className="eg-popover">
        {note && <p className="eg-popover-note">{note}</p>}
        <div role="menu" aria-label={label} tabIndex={-1} className="eg-menu" onKeyDown={onMenuKey}>
          {items.map((item) => (
            <MenuButton key={item.label} item={item} close={close} />
          ))}
        </div>
      </div>
    </>
  );
}

function MenuButton({ item, close }: { item: MenuItem; close(): void }) {
  function select(): void {
    close();
    item.onSelect();
  }
  return (
    <button type="button" role="menuitem" tabIndex={-1} className="eg-menu-item" onClick={select}>
      {item.label}
    </button>
  );
}
