import type { Caller, Line } from './caller.ts';

/** Includes callers without a connection, so that a new connection does not reset their pace. */
const callersKept = 2_048;

export function createCallers<L extends Line>(create: (peer: string) => Caller<L>) {
  const callers = new Map<string, Caller<L>>();

  const forgetSome = () => {
    for (const [peer, { size }] of callers) {
      if (callers.size < callersKept) return;
      if (size === 0) callers.delete(peer);
    }
  };

  return {
    all: () => callers.values(),
    of(peer: string): Caller<L> {
      const known = callers.get(peer);
      if (known) return known;
      forgetSome();
      const caller = create(peer);
      callers.set(peer, caller);
      return caller;
    },
  };
}
