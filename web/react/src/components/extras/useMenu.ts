import { type KeyboardEvent as ReactKeyboardEvent, type RefObject, useEffect, useRef } from 'react';
import { place } from './place.js';

/**
 * The behaviour of a menu button (ARIA Authoring Practices, "Menu Button") with a native popover, which closes on Escape
 * and on clicks outside, restores the focus, and is in the top layer.
 */
export function useMenu(button: RefObject<HTMLButtonElement | null>, opensOnLoad: RefObject<boolean>) {
  const popover = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [trigger, menu] = [button.current, popover.current];
    if (!trigger || !menu) return;
    const disconnect = connect(trigger, menu);
    if (opensOnLoad.current) trigger.click();
    return disconnect;
  }, [button, opensOnLoad]);

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

/**
 * Connects the button with the popover. Uses DOM methods, because React 18 supports neither `popoverTarget` nor the
 * `toggle` event. Returns the function that undoes it.
 */
function connect(button: HTMLButtonElement, menu: HTMLElement): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  /** The index of the item to focus when the menu opens; -1 for the last. */
  let first = 0;
  button.popoverTargetElement = menu;
  button.setAttribute('aria-controls', menu.id);
  function onToggle(event: Event): void {
    const isOpen = (event as ToggleEvent).newState === 'open';
    button.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) return;
    // For browsers without anchor positioning.
    if (!CSS.supports('position-area: block-end')) place(menu, button);
    itemsOf(menu).at(first)?.focus();
    first = 0;
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    first = event.key === 'ArrowUp' ? -1 : 0;
    // A click makes the browser associate the popover with the button, as `showPopover` would not.
    if (!menu.matches(':popover-open')) button.click();
  }
  menu.addEventListener('toggle', onToggle, { signal });
  button.addEventListener('keydown', onKeyDown, { signal });
  return () => controller.abort();
}

function itemsOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
}

/** Returns the item that a key moves the focus to. A letter selects the next item that starts with it. */
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
