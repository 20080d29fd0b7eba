import { FlowDialog } from './FlowDialog.js';

/** The dialog in which the user provides the credentials of a session; open in step `credentials` of a flow. */
export const CredentialsDialog = () => <FlowDialog step="credentials" />;
