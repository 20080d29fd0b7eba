import { type FormEvent, type RefObject, useId, useState } from 'react';
import type { CredentialField } from '../../client/types.js';
import { readPasted } from '../../pasted/read-pasted.js';
import { Glyph } from '../Glyph.js';
import { useFullUi } from './useFullUi.js';

interface PasteBoxProps {
  /** The values to extract. */
  fields: readonly CredentialField[];
  /** The form whose inputs are filled. */
  form: RefObject<HTMLFormElement | null>;
  /** What is wrong with the pasted text; undefined if nothing is. */
  problem: string | undefined;
}

/** The text area for a copied request. Moves the values that it finds to the form's inputs, and removes the text. */
export function PasteBox({ fields, form, problem }: PasteBoxProps) {
  const texts = useFullUi().messages.credentials;
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

  const message = problem ?? (found?.length === 0 ? texts.nothingFound : undefined);
  return (
    <div className="eg-field">
      <label htmlFor={id}>{texts.paste}</label>
      <textarea
        id={id}
        rows={3}
        data-eg-focus
        dir="ltr"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={texts.pasteHint}
        aria-describedby={`${id}-found`}
        aria-invalid={message ? true : undefined}
        onInput={read}
      />
      <div id={`${id}-found`} role="status">
        {message && <p className="eg-problem">{message}</p>}
        {found && found.length > 0 && <Found fields={fields} found={found} />}
      </div>
    </div>
  );
}

/** The list of the values that were found and of the required ones that are missing; only their names. */
function Found({ fields, found }: { fields: readonly CredentialField[]; found: readonly string[] }) {
  const texts = useFullUi().messages.credentials;
  const listed = fields.filter((field) => field.required || found.includes(field.name));
  return (
    <ul className="eg-found" aria-label={texts.found}>
      {listed.map(({ name, label }) => {
        const isFound = found.includes(name);
        return (
          <li key={name} data-found={isFound}>
            <Glyph name={isFound ? 'check' : 'close'} />
            <span className="eg-unseen">{isFound ? texts.has(label) : texts.lacks(label)}</span>
            <span aria-hidden="true">{label}</span>
          </li>
        );
      })}
    </ul>
  );
}
