import type { FlowState } from '../client/flow-state.js';
import { useSnapshot } from './useSnapshot.js';

/** Returns the state of the current flow. Renders again only when it changes. */
export function useConnectFlow(): FlowState {
  return useSnapshot(({ flow }) => flow);
}
