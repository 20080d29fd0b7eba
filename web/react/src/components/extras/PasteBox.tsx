import { type FormEvent, type RefObject, useId, useState } from 'react';
import type { CredentialField } from '../../client/types.js';
import { readPasted } from '../../pasted/read-pasted.js';
import { Glyph } from '../Glyph.js';
import { useFullUi } from './useFullUi.js';

interface PasteBoxProps {
  fields: readonly CredentialField[];
  /** Whose inputs are filled. */
  form: RefObject<HTMLFormElement | null>;
  problem: string | undefined;
}

/** Takes the pasted text apart at once: its parts go into the form's own inputs, and the text is gone. */
export function PasteBox({ fields, form, problem }: PasteBoxProps) {
  const words = useFullUi().messages.credentials;
  const id = useId();
  const [found, setFound] = useState<readonly string[] | null>(null);

  function read(event: FormEvent<HTMLTextAreaElement>): void {
    const box = event.currentTarget;
    if (!box.value.trim()) return;
    const values = readPasted(box.value, fields);
    for (const [name, value] of Object.entries(values)) {
      const input = form.current?.elements.namedItem(name);
      if (input instanceof HTMLInputElement) input.value = value;
    }
    const names = Object.keys(values);
    if (names.length > 0) box.value = '';
    setFound(names);
  }

  const says = problem ?? (found?.length === 0 ? words.nothingFound : undefined);
  return (
    <div className="eg-field">
      <label htmlFor={id}>{words.paste}</label>
      <textarea
        id={id}
        rows={3}
        data-eg-focus
        dir="ltr"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={words.pasteHint}
        aria-describedby={`${id}-found`}
        aria-invalid={says ? true : undefined}
        onInput={read}
      />
      <div id={`${id}-found`} role="status">
        {says && <p className="eg-problem">{says}</p>}
        {found && found.length > 0 && <Found fields={fields} found={found} />}
      </div>
    </div>
  );
}

/** Which parts were found: their names alone. */
function Found({ fields, found }: { fields: readonly CredentialField[]; found: readonly string[] }) {
  const words = useFullUi().messages.credentials;
  const told = fields.filter((field) => field.required || found.includes(field.name));
  return (
    <ul className="eg-found" aria-label={words.found}>
      {told.map(({ name, label }) => {
        const isFound = found.includes(name);
        return (
          <li key={name} data-found={isFound}>
            <Glyph name={isFound ? 'check' : 'close'} />
            <span className="eg-unseen">{isFound ? words.has(label) : words.lacks(label)}</span>
            <span aria-hidden="true">{label}</span>
          </li>
        );
      })}
    </ul>
  );
}
