import { FlowDialog } from './FlowDialog.js';

/** Takes a session by hand, for a platform without a consent page; there while a flow asks for one. */
export const CredentialsDialog = () => <FlowDialog step="credentials" />;
