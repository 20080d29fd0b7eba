import { type KeyboardEvent as ReactKeyboardEvent, type RefObject, useEffect, useRef } from 'react';
import { place } from './place.js';

/**
 * A menu button after the ARIA pattern, on the platform's popover: that closes it on Escape and clicks outside, gives
 * the focus back, and puts it above everything.
 */
export function useMenu(button: RefObject<HTMLButtonElement | null>, isAwaited: RefObject<boolean>) {
  const popover = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [trigger, menu] = [button.current, popover.current];
    if (!trigger || !menu) return;
    const part = join(trigger, menu);
    if (isAwaited.current) trigger.click();
    return part;
  }, [button, isAwaited]);

  function onKeyDown(event: ReactKeyboardEvent): void {
    const menu = popover.current;
    if (!menu) return;
    if (event.key === 'Tab') return menu.hidePopover();
    const next = nextItem(itemsOf(menu), event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  return { popover, onKeyDown, close: () => popover.current?.hidePopover() };
}

/** By hand, because React 18 knows neither the property nor the event. Until what it answers is called. */
function join(button: HTMLButtonElement, menu: HTMLElement): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  let first = 0;
  button.popoverTargetElement = menu;
  button.setAttribute('aria-controls', menu.id);
  function toggled(event: Event): void {
    const isOpen = (event as ToggleEvent).newState === 'open';
    button.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) return;
    // Where the browser has no anchor positioning.
    if (!CSS.supports('position-area: block-end')) place(menu, button);
    itemsOf(menu).at(first)?.focus();
    first = 0;
  }
  function pressed(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    first = event.key === 'ArrowUp' ? -1 : 0;
    // A click tells the browser which button the popover belongs to.
    if (!menu.matches(':popover-open')) button.click();
  }
  menu.addEventListener('toggle', toggled, { signal });
  button.addEventListener('keydown', pressed, { signal });
  return () => gone.abort();
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
