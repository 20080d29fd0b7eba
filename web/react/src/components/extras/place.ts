/** Positions a popover below the button, or above it if there is no room, aligned with the button's end. */
export function place(popover: HTMLElement, button: HTMLElement): void {
  const anchor = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const isRtl = getComputedStyle(button).direction === 'rtl';
  const left = isRtl ? anchor.left : anchor.right - width;
  const below = anchor.bottom + 4;
  const top = below + height > innerHeight ? anchor.top - height - 4 : below;
  popover.style.margin = '0';
  popover.style.left = `${Math.max(4, Math.min(left, innerWidth - width - 4))}px`;
  popover.style.top = `${Math.max(4, top)}px`;
}
