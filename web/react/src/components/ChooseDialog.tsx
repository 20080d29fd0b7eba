import { FlowDialog } from './FlowDialog.js';

/** The dialog in which the user chooses among the accounts that a consent covers; open in step `choose` of a flow. */
export const ChooseDialog = () => <FlowDialog step="choose" />;
