import { machineTarget, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import { pairOf } from './pair.ts';
import type { AccessPair } from './types.ts';

/** The machine of this node, as something that a ServiceAccount may use. */
export interface Machine {
  /** Undefined: not known, `read` may find out. */
  known(subject: AccessSubject): readonly AccessPair[] | undefined;
  /** Undefined: the metadata service does not say which machine this is. */
  read(subject: AccessSubject): Promise<readonly AccessPair[] | undefined>;
}

export interface MachineOptions {
  /** The ARM id that the metadata service gives; undefined when it gives none. */
  readonly readId: () => Promise<string | undefined>;
  readonly clock: Pick<Clock, 'elapsed'>;
}

/** A machine keeps its id; it is read again in case a disk was moved to another one. */
const heldMs = 10 * 60_000;
const retryMs = 5_000;

export function createMachine({ readId, clock }: MachineOptions): Machine {
  let target: AccessTarget | undefined;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const read = async () => {
    readAt = clock.elapsed();
    const parsed = machineTarget((await readId().catch(() => undefined)) ?? '');
    if (parsed.ok) target = parsed.value;
  };
  const readOnce = () => (reading ??= read().finally(() => (reading = undefined)));
  const pairs = (subject: AccessSubject) => target && [pairOf(subject, target)];

  return {
    known(subject) {
      if (target && clock.elapsed() - readAt >= heldMs) void readOnce();
      return pairs(subject);
    },
    async read(subject) {
      if (!target && clock.elapsed() - readAt >= retryMs) void readOnce();
      await reading;
      return pairs(subject);
    },
  };
}
