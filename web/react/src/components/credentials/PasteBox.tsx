import { type ClipboardEvent, type DragEvent, useId, useRef } from 'react';
import type { CredentialField } from '../../client/types.js';
import { Button } from '../Button.js';
import { useFullUi } from '../extras/useFullUi.js';
import { Glyph } from '../Glyph.js';

/** The longest text that stays in the text area, in characters. Longer ones, such as HAR files, are only read. */
const MAX_SHOWN = 64 * 1024;

interface PasteBoxProps {
  /** The values to extract. */
  fields: readonly CredentialField[];
  /** The names of the values that were found; null before a text was read. */
  found: readonly string[] | null;
  /** What is wrong with the pasted text; undefined if nothing is. */
  problem: string | undefined;
  /** Called with the text, once it is pasted or changed. */
  onText(text: string): void;
  /** Called with a file that the user opens in place of a text. */
  onFile(file: File): void;
}

/** The text area for a copied request. The text stays in it, masked while it has no focus, until the dialog closes. */
export function PasteBox({ fields, found, problem, onText, onFile }: PasteBoxProps) {
  const texts = useFullUi().messages.credentials;
  const id = useId();

  return (
    <div className="eg-field" onDrop={(event) => readDropped(event, onFile)} onDragOver={allowFiles}>
      <label htmlFor={id}>{texts.paste}</label>
      <textarea
        id={id}
        className="eg-secret"
        rows={3}
        data-eg-focus
        dir="ltr"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={texts.pasteHint}
        aria-describedby={`${id}-found ${id}-help`}
        aria-invalid={problem ? true : undefined}
        onPaste={(event) => readLong(event, onText)}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <div id={`${id}-found`} role="status">
        {problem && <p className="eg-problem">{problem}</p>}
        {found && found.length > 0 && <Found fields={fields} found={found} />}
      </div>
      <p id={`${id}-help`} className="eg-note">
        {texts.otherForms} <FileButton onFile={onFile} />
      </p>
    </div>
  );
}

/** Reads a text that is too long for the text area in place of inserting it. */
function readLong(event: ClipboardEvent, onText: PasteBoxProps['onText']): void {
  const text = event.clipboardData.getData('text');
  if (text.length <= MAX_SHOWN) return;
  event.preventDefault();
  onText(text);
}

function readDropped(event: DragEvent, onFile: PasteBoxProps['onFile']): void {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  onFile(file);
}

/** The drop of a file must be allowed before; otherwise the browser opens the file. */
function allowFiles(event: DragEvent): void {
  if (event.dataTransfer.types.includes('Files')) event.preventDefault();
}

function FileButton({ onFile }: Pick<PasteBoxProps, 'onFile'>) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        hidden
        type="file"
        accept=".har,.json,.txt"
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          if (file) onFile(file);
          event.currentTarget.value = '';
        }}
      />
      <Button variant="quiet" className="eg-inline" onClick={() => input.current?.click()}>
        {useFullUi().messages.credentials.chooseFile}
      </Button>
    </>
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
