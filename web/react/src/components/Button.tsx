import type { ComponentProps, MouseEvent } from 'react';

export interface ButtonProps extends ComponentProps<'button'> {
  /** One `primary` a view; `grave` is what takes something away. */
  variant?: 'primary' | 'plain' | 'quiet' | 'grave';
  /** Does nothing for now, and keeps its focus: it is `aria-disabled`, not `disabled`. */
  busy?: boolean;
}

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

export function classes(...names: (string | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
