import { useId, useRef, useState } from 'react';
import { useStrings } from '../i18n/language.js';
import type { Strings } from '../i18n/strings.js';
import type { Session, User } from '../session/session.js';
import type { SessionStore } from '../session/SessionStore.js';

interface UserMenuProps {
  session: Session;
  store: SessionStore;
}

/** The signed-in user's name, and a menu to sign out and, for `evergrant dev`, to switch users. */
export function UserMenu({ session, store }: UserMenuProps) {
  const strings = useStrings();
  const { user, people = [], version } = session;
  const { popover, busy, failed, run } = useActions();
  const id = useId();
  const name = nameOf(user, user.email, strings);
  return (
    <div className="user">
      <button type="button" className="user-button" popoverTarget={id} aria-label={strings.user.menu(name)}>
        <bdi className="user-name">{name}</bdi>
        <Chevron />
      </button>
      <div ref={popover} id={id} popover="auto" className="user-popover">
        {people.length > 0 && (
          <UserList
            users={people}
            current={user.id}
            busy={busy}
            onChoose={(chosen) => run(() => store.switchUser(chosen))}
          />
        )}
        <button
          type="button"
          className="user-item"
          aria-disabled={busy}
          onClick={() => run(() => store.signOut())}
        >
          {strings.user.signOut}
        </button>
        <p className="user-failed" role="alert">
          {failed && strings.user.failed}
        </p>
        <p className="user-version">{strings.user.version(version)}</p>
      </div>
    </div>
  );
}

interface UserListProps {
  users: readonly User[];
  /** Id of the signed-in user. */
  current: number;
  busy: boolean;
  onChoose(id: number): void;
}

function UserList({ users, current, busy, onChoose }: UserListProps) {
  const strings = useStrings();
  const id = useId();
  return (
    <>
      <p id={id} className="user-heading">
        {strings.user.viewAs}
      </p>
      <ul aria-labelledby={id} className="user-list">
        {users.map((user) => (
          <li key={user.id}>
            <button
              type="button"
              className="user-item"
              aria-current={user.id === current || undefined}
              aria-disabled={busy}
              onClick={() => onChoose(user.id)}
            >
              <bdi>{nameOf(user, null, strings)}</bdi>
              {user.id === current && <Tick />}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/**
 * Runs one action of the menu at a time. The menu closes when the action succeeds; it stays open
 * while the action runs, and to show its failure.
 */
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

function nameOf(user: User, email: string | null, strings: Strings): string {
  return user.name ?? email ?? strings.user.numbered(user.id);
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
