import { useId, useRef, useState } from 'react';
import type { Person, Session } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';
import { useWords } from '../words/language.js';
import type { Words } from '../words/words.js';

interface UserMenuProps {
  session: Session;
  store: SessionStore;
}

/** Who is signed in; behind it, who else one may be (in `dev`), and the way out. */
export function UserMenu({ session, store }: UserMenuProps) {
  const words = useWords();
  const { user, people = [], version } = session;
  const { popover, busy, failed, run } = useActions();
  const id = useId();
  const name = nameOf(user, user.email, words);
  return (
    <div className="user">
      <button type="button" className="user-button" popoverTarget={id} aria-label={words.user.menu(name)}>
        <bdi className="user-name">{name}</bdi>
        <Chevron />
      </button>
      <div ref={popover} id={id} popover="auto" className="user-popover">
        {people.length > 0 && (
          <People
            people={people}
            current={user.id}
            busy={busy}
            onChoose={(one) => run(() => store.become(one))}
          />
        )}
        <button
          type="button"
          className="user-item"
          aria-disabled={busy}
          onClick={() => run(() => store.end())}
        >
          {words.user.signOut}
        </button>
        <p className="user-failed" role="alert">
          {failed && words.user.failed}
        </p>
        <p className="user-version">{words.user.version(version)}</p>
      </div>
    </div>
  );
}

interface PeopleProps {
  people: readonly Person[];
  current: number;
  busy: boolean;
  onChoose(id: number): void;
}

function People({ people, current, busy, onChoose }: PeopleProps) {
  const words = useWords();
  const id = useId();
  return (
    <>
      <p id={id} className="user-heading">
        {words.user.beSomebodyElse}
      </p>
      <ul aria-labelledby={id} className="user-people">
        {people.map((person) => (
          <li key={person.id}>
            <button
              type="button"
              className="user-item"
              aria-current={person.id === current || undefined}
              aria-disabled={busy}
              onClick={() => onChoose(person.id)}
            >
              <bdi>{nameOf(person, null, words)}</bdi>
              {person.id === current && <Tick />}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** One at a time; the menu stays open while one runs, and to say that it has failed. */
function useActions() {
  const popover = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle');
  async function run(action: () => Promise<void>): Promise<void> {
    if (state === 'busy') return;
    setState('busy');
    try {
      await action();
      setState('idle');
      popover.current?.hidePopover();
    } catch {
      setState('failed');
    }
  }
  return {
    popover,
    busy: state === 'busy',
    failed: state === 'failed',
    run: (action: () => Promise<void>) => void run(action),
  };
}

function nameOf(person: Person, email: string | null, words: Words): string {
  return person.name ?? email ?? words.user.numbered(person.id);
}

function Chevron() {
  return (
    <svg className="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="m4 6 4 4 4-4" />
    </svg>
  );
}

function Tick() {
  return (
    <svg className="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="m3 8.5 3.5 3.5L13 4.5" />
    </svg>
  );
}
