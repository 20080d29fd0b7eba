import { type KeyboardEvent, useEffect, useRef, useState } from 'react';

/**
 * A menu button after the ARIA pattern, on the platform's popover: that closes it on Escape and clicks outside, gives
 * the focus back, and puts it above everything.
 */
export function useMenu() {
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const first = useRef<'first' | 'last'>('first');
  const [open, setOpen] = useState(false);

  // By hand, because React 18 knows neither the property nor the event.
  useEffect(() => {
    const [trigger, menu] = [button.current, popover.current];
    if (!trigger || !menu) return;
    trigger.popoverTargetElement = menu;
    const toggled = (event: Event) => {
      const isOpen = (event as ToggleEvent).newState === 'open';
      setOpen(isOpen);
      if (!isOpen) return;
      // Where the browser has no anchor positioning.
      if (!CSS.supports('position-area: block-end'))
        void import('./place.js').then((by) => by.place(menu, trigger));
      itemsOf(menu)
        .at(first.current === 'last' ? -1 : 0)
        ?.focus();
      first.current = 'first';
    };
    menu.addEventListener('toggle', toggled);
    return () => menu.removeEventListener('toggle', toggled);
  }, []);

  function onButtonKey(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    first.current = event.key === 'ArrowUp' ? 'last' : 'first';
    // A click tells the browser which button the popover belongs to.
    if (!open) button.current?.click();
  }

  function onMenuKey(event: KeyboardEvent): void {
    const menu = popover.current;
    if (!menu) return;
    if (event.key === 'Tab') return menu.hidePopover();
    const next = nextItem(itemsOf(menu), event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  return { button, popover, open, onButtonKey, onMenuKey, close: () => popover.current?.hidePopover() };
}

function itemsOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
}

/** Which item a key leads to; a letter leads to the next that begins with it. */
function nextItem(items: HTMLElement[], key: string): HTMLElement | undefined {
  const at = items.indexOf(document.activeElement as HTMLElement);
  if (key === 'ArrowDown') return items[(at + 1) % items.length];
  if (key === 'ArrowUp') return items.at(at <= 0 ? -1 : at - 1);
  if (key === 'Home') return items[0];
  if (key === 'End') return items.at(-1);
  if (key.length !== 1 || key === ' ') return undefined;
  const letter = key.toLowerCase();
  const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return after.find((item) => item.textContent?.trim().toLowerCase().startsWith(letter));
}
