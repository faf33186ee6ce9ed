// Room: everything that a run does, in order, as a function of the seed and the length.
// It must not do I/O, or read a clock or chance.
import { planMeasured, planPassing, type MeasuredFault, type PassingFault } from './faults.ts';
import { planOperations, type Step } from './operations.ts';
import { createRandom } from './random.ts';

export interface Plan {
  readonly seed: number;
  readonly durationMs: number;
  readonly steps: readonly Step[];
  /** One after another, each after the one before has been overcome. */
  readonly measured: readonly MeasuredFault[];
  readonly passing: readonly PassingFault[];
}

export function makePlan(seed: number, durationMs: number): Plan {
  return {
    seed,
    durationMs,
    // Each with chance of its own: a longer list of one kind leaves the others as they are.
    steps: planOperations(createRandom(seed * 3), durationMs),
    measured: planMeasured(createRandom(seed * 3 + 1), durationMs),
    passing: planPassing(createRandom(seed * 3 + 2), durationMs),
  };
}
