import type { ReactNode } from 'react';
import { Mark } from '../shell/Mark.js';
import { useTitle } from './useTitle.js';

interface MessageProps {
  /** Of the document. */
  title: string;
  text: string;
  /** Without the shell around it. */
  alone?: boolean;
  /** What can be done about it. */
  children?: ReactNode;
}

/** A page that has one thing to say. */
export function Message({ title, text, alone = false, children }: MessageProps) {
  useTitle(title);
  const said = (
    <section className="message">
      {alone && <Mark />}
      <h1>{text}</h1>
      {children}
    </section>
  );
  return alone ? <main className="alone">{said}</main> : said;
}
