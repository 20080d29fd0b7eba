import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { useFullUi } from './useFullUi.js';

export interface DialogProps {
  title: string;
  /** `alertdialog` where something is lost. */
  role?: 'dialog' | 'alertdialog';
  onClose(): void;
  children: ReactNode;
}

/** Effects that a server does not know of and must not warn about. */
const useBrowserLayoutEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/**
 * A modal dialog, open for as long as it is there. The platform keeps the focus inside, gives it back, and closes on
 * Escape. What has `data-eg-focus` is focused first.
 */
export function Dialog({ title, role = 'dialog', onClose, children }: DialogProps) {
  const { root } = useFullUi();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useBrowserLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return;
    element.showModal();
    element.querySelector<HTMLElement>('[data-eg-focus]')?.focus();
    return () => element.close();
  }, []);
  return (
    <dialog
      {...root}
      ref={dialog}
      role={role === 'dialog' ? undefined : role}
      className="eg-root eg-dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id} className="eg-dialog-title">
        {title}
      </h2>
      {children}
    </dialog>
  );
}
