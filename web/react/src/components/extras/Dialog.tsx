import { type ReactNode, useId, useState } from 'react';
import { LiveRegion } from './LiveRegion.js';
import { useFullUi } from './useFullUi.js';

/** The props of `Dialog`. */
export interface DialogProps {
  /** The title. */
  title: string;
  /**
   * The ARIA role; `alertdialog` for the confirmation of a destructive action.
   *
   * @default 'dialog'
   */
  role?: 'dialog' | 'alertdialog';
  /** The text below the title, which screen readers announce together with it. */
  text?: string;
  /** Called when the user presses Escape. */
  onClose(): void;
  /** The content. */
  children: ReactNode;
}

/**
 * A modal dialog, open while it is rendered. `<dialog>` keeps the focus inside, restores it, and handles Escape. The
 * element with `data-eg-focus` is focused first. It contains its own live region, because everything outside of a modal
 * dialog is inert.
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
      <LiveRegion />
    </dialog>
  );
}

/**
 * Returns a ref callback that opens the dialog when it is mounted and closes it before it is removed; the browser
 * restores the focus only when a dialog is closed.
 */
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
