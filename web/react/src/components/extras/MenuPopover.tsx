import { type RefObject, useId } from 'react';
import type { MenuItem, MenuProps } from '../Menu.js';
import { useMenu } from './useMenu.js';

interface MenuPopoverProps extends MenuProps {
  /** The button that opens the menu. */
  button: RefObject<HTMLButtonElement | null>;
  /** Whether the button was clicked before the menu was loaded. */
  opensOnLoad: RefObject<boolean>;
}

/** The popover with the items of a menu. */
export function MenuPopover({ button, opensOnLoad, label, note, items }: MenuPopoverProps) {
  const { popover, onKeyDown, close } = useMenu(button, opensOnLoad);
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
