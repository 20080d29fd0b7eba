import { type ReactNode, type RefObject, useId } from 'react';
import { useMenu } from './useMenu.js';

export interface MenuItem {
  label: string;
  onSelect(): void;
}

interface MenuProps {
  /** Which opens it. */
  button: RefObject<HTMLButtonElement | null>;
  label: string;
  /** Stands above the items. */
  note?: ReactNode;
  items: readonly MenuItem[];
}

/** What a button offers. */
export function Menu({ button, label, note, items }: MenuProps) {
  const { popover, onKeyDown, close } = useMenu(button);
  return (
    <div ref={popover} id={useId()} popover="auto" className="eg-popover">
      {note && <p className="eg-popover-note">{note}</p>}
      <div role="menu" aria-label={label} tabIndex={-1} className="eg-menu" onKeyDown={onKeyDown}>
        {items.map((item) => (
          <MenuButton key={item.label} item={item} close={close} />
        ))}
      </div>
    </div>
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
