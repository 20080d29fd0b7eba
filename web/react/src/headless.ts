'use client';
/** `@evergrant/react/headless`: hooks without components, for your own markup. */
export { inAppBrowser } from './client/in-app.js';
export { EvergrantError } from './client/error.js';
export { enErrors } from './messages/en-errors.js';
export { errorText } from './messages/error-text.js';
export type { ErrorTextOptions } from './messages/error-text.js';
export type { ErrorMessages } from './messages/extra-messages.js';
export { EvergrantProvider } from './react/EvergrantProvider.js';
export type { EvergrantProviderProps } from './react/EvergrantProvider.js';
export { useEvergrantClient } from './react/context.js';
export { useAccount } from './react/useAccount.js';
export { useConnectFlow } from './react/useConnectFlow.js';
export { useIntegration } from './react/useIntegration.js';
export { useIntegrations } from './react/useIntegrations.js';
export type { UseIntegrations } from './react/useIntegrations.js';
export type * from './client/index.js';
