import type { Decision } from '../authorize/types.ts';
import { explainUnusable } from './explain.ts';
import type { Failure } from './refusals.ts';

type Refused = Extract<Decision, { readonly kind: 'deny' | 'pending' | 'unusable' }>;

export function failureOf(decision: Refused, pod: string): Failure {
  switch (decision.kind) {
    case 'deny':
      return { kind: 'denied', pod, denial: decision.denial };
    case 'pending':
      return { kind: 'not-assigned', pod, identity: decision.identity.name, seen: decision.seen };
    case 'unusable':
      return { kind: 'token-failed', pod, why: 'misconfigured', description: explainUnusable(pod, decision) };
  }
}
