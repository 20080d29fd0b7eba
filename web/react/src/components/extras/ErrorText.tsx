import type { EvergrantError } from '../../client/error.js';
import { errorText } from '../../messages/error-text.js';
import { useFullUi } from './useFullUi.js';

/** The sentence for an error that does not concern a platform. */
export function ErrorText({ error }: { error: EvergrantError }) {
  return errorText(error, { provider: 'Evergrant', errors: useFullUi().messages.errors });
}
