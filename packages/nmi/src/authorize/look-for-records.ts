import type { Authorizer } from './authorizer.ts';
import type { Decision } from './types.ts';

/**
 * A record that reaches NMI before the binding of its pod looks like one that an editor wrote, and is left out if its namespace is over
 * its share. When a pod waits for it, the binding is known, and another list finds it.
 */
export function lookingForRecords(authorizer: Authorizer, lookFor: (identity: string) => void): Authorizer {
  return {
    decide(pod, selector, refused) {
      const decision = authorizer.decide(pod, selector, refused);
      for (const identity of waitedFor(decision)) lookFor(identity);
      return decision;
    },
  };
}

function waitedFor(decision: Decision): readonly string[] {
  if (decision.kind === 'allow-by-object-id') return decision.pending.map(({ name }) => name);
  if (decision.kind !== 'pending') return [];
  const { anyOf, identity, seen } = decision;
  if (anyOf) return anyOf.map(({ name }) => name);
  return seen === 'nothing' ? [identity.name] : [];
}
