import { FlowDialog } from './FlowDialog.js';

/** Asks which of the accounts that one consent reached are to be connected; there while a flow asks that. */
export const ChooseDialog = () => <FlowDialog step="choose" />;
