import type { ReactNode } from 'react';
import { Mark } from '../shell/Mark.js';
import { useTitle } from './useTitle.js';

interface MessageProps {
  /** Document title. */
  title: string;
  /** First heading of the page. */
  text: string;
  /** Whether the page is shown outside the shell. @default false */
  standalone?: boolean;
  /** A button or link that leads on from here. */
  children?: ReactNode;
}

/** A page that consists of one message and at most one action. */
export function Message({ title, text, standalone = false, children }: MessageProps) {
  useTitle(title);
  const message = (
    <section className="message">
      {standalone && <Mark />}
      <h1>{text}</h1>
      {children}
    </section>
  );
  return standalone ? <main className="standalone">{message}</main> : message;
}
