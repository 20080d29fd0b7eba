/** The components that are not needed for the first render; loaded on demand after the list, never on a server. */
export { ChooseDialog } from './ChooseDialog.js';
export { CredentialsDialog } from './CredentialsDialog.js';
export { DisconnectDialog } from './DisconnectDialog.js';
export { ErrorText } from './ErrorText.js';
export { FlowActions, FlowText } from './FlowNotice.js';
export { MenuPopover } from './MenuPopover.js';
export { Toasts } from './Toasts.js';
