import { type ReactNode, useId, useState } from 'react';
import { Said } from './Said.js';
import { useFullUi } from './useFullUi.js';

export interface DialogProps {
  title: string;
  /** `alertdialog` where something is lost. */
  role?: 'dialog' | 'alertdialog';
  /** Is read with the title. */
  text?: string;
  onClose(): void;
  children: ReactNode;
}

/**
 * A modal dialog, open for as long as it is there. The platform keeps the focus inside, gives it back, and closes on
 * Escape. What has `data-eg-focus` is focused first. What is told meanwhile is told in it: all else is out of reach.
 */
export function Dialog({ title, role = 'dialog', text, onClose, children }: DialogProps) {
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
      aria-describedby={text && `${id}-text`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id} className="eg-dialog-title">
        {title}
      </h2>
      {text && <p id={`${id}-text`}>{text}</p>}
      {children}
      <Said />
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
