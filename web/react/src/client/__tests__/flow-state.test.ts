import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EvergrantError } from '../error.js';
import { type FlowInput, type FlowState, isOpen, nextFlow } from '../flow-state.js';

const error = new EvergrantError('OAUTH_DENIED');
const flowId = fc.constantFrom('a', 'b');
const provider = fc.constantFrom('reddit', 'tiktok');
const input: fc.Arbitrary<FlowInput> = fc.oneof(
  fc.record({ type: fc.constant('start' as const), provider }),
  fc.record({
    type: fc.constant('started' as const),
    step: fc.constantFrom('waiting' as const, 'redirecting' as const),
    flowId,
  }),
  fc.record({ type: fc.constant('fields' as const), flowId, fields: fc.constant([]) }),
  fc.record({ type: fc.constantFrom('closed' as const, 'reopened' as const, 'busy' as const), flowId }),
  fc.record({ type: fc.constant('choose' as const), flowId, provider, accounts: fc.constant([]) }),
  fc.record({ type: fc.constant('rejected' as const), flowId, error: fc.constant(error) }),
  fc.record({ type: fc.constant('connected' as const), flowId, provider, integrations: fc.constant([]) }),
  fc.record({ type: fc.constant('failed' as const), flowId, provider, error: fc.constant(error) }),
  fc.constant({ type: 'cancel' as const }),
  fc.constant({ type: 'dismiss' as const }),
);

const run = (inputs: readonly FlowInput[]): FlowState[] => {
  const states: FlowState[] = [{ step: 'idle' }];
  for (const one of inputs) states.push(nextFlow(states.at(-1) as FlowState, one));
  return states;
};

test('a connected flow never fails afterwards', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const states = run(inputs);
      states.forEach((state, place) => {
        const next = states[place + 1];
        if (state.step !== 'connected' || !next) return;
        expect(['connected', 'idle', 'starting']).toContain(next.step);
      });
    }),
  );
});

test('inputs of another flow are ignored', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const states = run(inputs);
      inputs.forEach((one, place) => {
        const [before, after] = [states[place] as FlowState, states[place + 1] as FlowState];
        const own = 'flowId' in before ? before.flowId : undefined;
        if (own !== undefined && 'flowId' in one && one.flowId !== own) expect(after).toBe(before);
      });
    }),
  );
});

test('an input without effect returns the same state object', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), input, (inputs, one) => {
      const state = run(inputs).at(-1) as FlowState;
      const next = nextFlow(state, one);
      if (JSON.stringify(next) === JSON.stringify(state) && state.step === 'connected')
        expect(next).toBe(state);
    }),
  );
});

test('cancel ends an open flow and has no other effect', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const state = run(inputs).at(-1) as FlowState;
      const after = nextFlow(state, { type: 'cancel' });
      expect(after).toEqual(isOpen(state) ? { step: 'idle' } : state);
    }),
  );
});

test('a late success replaces a failure', () => {
  const [, , , , last] = run([
    { type: 'start', provider: 'reddit' },
    { type: 'started', step: 'waiting', flowId: 'a' },
    { type: 'failed', flowId: 'a', provider: 'reddit', error },
    { type: 'connected', flowId: 'a', provider: 'reddit', integrations: [] },
  ]);
  expect(last?.step).toBe('connected');
});
