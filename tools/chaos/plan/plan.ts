// Room: everything that a run does, in order, as a function of the seed and the length.
// It must not do I/O, or read a clock or random numbers.
import {
  planMeasured,
  planPassing,
  type AccessMode,
  type MeasuredFault,
  type PassingFault,
} from './faults.ts';
import type { Step } from './operation.ts';
import { planOperations } from './operations.ts';
import { createRandom } from './random.ts';

export interface Plan {
  readonly seed: number;
  readonly durationMs: number;
  /** Every second seed is in mode `rbac`. */
  readonly mode: AccessMode;
  readonly steps: readonly Step[];
  /** Each begins after recovery from the one before. */
  readonly measured: readonly MeasuredFault[];
  readonly passing: readonly PassingFault[];
}

export function makePlan(seed: number, durationMs: number): Plan {
  const mode = seed % 2 === 0 ? 'rbac' : 'namespace';
  return {
    seed,
    durationMs,
    mode,
    // Each list has its own random numbers: more steps of one kind do not change the others.
    steps: planOperations(createRandom(seed * 3), durationMs, mode),
    measured: planMeasured(createRandom(seed * 3 + 1), durationMs, mode),
    passing: planPassing(createRandom(seed * 3 + 2), durationMs),
  };
}
