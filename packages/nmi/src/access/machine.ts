import { machineTarget, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import { pairOf, type AccessPair } from './types.ts';

export type Machine = ReturnType<typeof createMachine>;

/** The id of a machine does not change; it is read again in case its disk was moved to another machine. */
const heldMs = 10 * 60_000;
const retryMs = 5_000;

/** The machine of this node, as a target of rights. `readId`: the ARM id from the metadata service; undefined if it has none. */
export function createMachine(readId: () => Promise<string | undefined>, clock: Pick<Clock, 'elapsed'>) {
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
    /** Undefined if not known; `read` may find it. */
    known(subject: AccessSubject): readonly AccessPair[] | undefined {
      if (target && clock.elapsed() - readAt >= heldMs) void readOnce();
      return pairs(subject);
    },
    /** Undefined if the metadata service does not return the id of the machine. */
    async read(subject: AccessSubject): Promise<readonly AccessPair[] | undefined> {
      if (!target && clock.elapsed() - readAt >= retryMs) void readOnce();
      await reading;
      return pairs(subject);
    },
  };
}
