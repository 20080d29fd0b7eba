import { useId, useRef } from 'react';
import type { CredentialField } from '../../client/types.js';
import { Button } from '../Button.js';
import { useFullUi } from '../extras/useFullUi.js';

interface CredentialInputProps {
  field: CredentialField;
  /** What is wrong with the value; undefined if nothing is. */
  problem: string | undefined;
}

/** The input for one value of a session. Its label and help text come from the server's catalogue. */
export function CredentialInput({ field, problem }: CredentialInputProps) {
  const texts = useFullUi().messages.credentials;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const isAgent = field.name === 'user_agent';
  return (
    <div className="eg-field">
      <label htmlFor={id}>
        {field.label}
        {!field.required && <span className="eg-note"> {texts.optional}</span>}
      </label>
      <input
        ref={input}
        id={id}
        name={field.name}
        type={field.secret ? 'password' : 'text'}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        dir="ltr"
        aria-describedby={`${id}-help`}
        aria-invalid={problem ? true : undefined}
      />
      <p id={`${id}-help`} className={problem ? 'eg-problem' : 'eg-note'}>
        {problem ?? field.help}
      </p>
      {isAgent && (
        <Button
          variant="quiet"
          onClick={() => {
            if (input.current) input.current.value = navigator.userAgent;
          }}
        >
          {texts.useThisBrowser}
        </Button>
      )}
    </div>
  );
}
