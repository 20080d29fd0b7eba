import type { ComponentProps, MouseEvent } from 'react';

/** The props of `Button`: those of `<button>` and its look. */
export interface ButtonProps extends ComponentProps<'button'> {
  /**
   * The look. Use `primary` once per view, and `danger` for actions that remove something.
   *
   * @default 'plain'
   */
  variant?: 'primary' | 'plain' | 'quiet' | 'danger';
  /**
   * Whether clicks are ignored. The button keeps the focus, because it is `aria-disabled` and not `disabled`.
   *
   * @default false
   */
  busy?: boolean;
}

/** A button. */
export function Button({ variant = 'plain', busy = false, onClick, className, ...rest }: ButtonProps) {
  const click = (event: MouseEvent<HTMLButtonElement>) => (busy ? event.preventDefault() : onClick?.(event));
  return (
    <button
      type="button"
      {...rest}
      className={classes('eg-button', className)}
      data-variant={variant}
      aria-disabled={busy || undefined}
      onClick={click}
    />
  );
}

/** Joins class names, leaving out undefined ones. */
export function classes(...names: (string | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
