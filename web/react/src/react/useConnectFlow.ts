import type { FlowState } from '../client/flow-state.js';
import { useSnapshot } from './useSnapshot.js';

/** How far the flow that is under way has come. */
export function useConnectFlow(): FlowState {
  return useSnapshot(({ flow }) => flow);
}
