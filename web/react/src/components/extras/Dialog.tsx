import { type ReactNode, useId, useState } from 'react';
import { useFullUi } from './useFullUi.js';

export interface DialogProps {
  title: string;
  /** `alertdialog` where something is lost. */
  role?: 'dialog' | 'alertdialog';
  onClose(): void;
  children: ReactNode;
}

/**
 * A modal dialog, open for as long as it is there. The platform keeps the focus inside, gives it back, and closes on
 * Escape. What has `data-eg-focus` is focused first.
 */
export function Dialog({ title, role = 'dialog', onClose, children }: DialogProps) {
  const { root } = useFullUi();
  const [modal] = useState(createModal);
  const id = useId();
  return (
    <dialog
      {...root}
      ref={modal}
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

/** Opens a dialog as it comes and closes it before it goes: only then is the focus given back. */
function createModal(): (element: HTMLDialogElement | null) => void {
  let shown: HTMLDialogElement | null = null;
  return (element) => {
    if (!element) shown?.close();
    else {
      element.showModal();
      element.querySelector<HTMLElement>('[data-eg-focus]')?.focus();
    }
    shown = element;
  };
}
