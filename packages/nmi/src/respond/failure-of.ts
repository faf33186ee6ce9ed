import type { Decision } from '../authorize/types.ts';
import { explainUnusable } from './refusal-texts.ts';
import type { Failure } from './refusals.ts';

type Refused = Extract<Decision, { readonly kind: 'deny' | 'unusable' }>;

export function failureOf(decision: Refused, pod: string): Failure {
  switch (decision.kind) {
    case 'deny':
      return { kind: 'denied', pod, denial: decision.denial };
    case 'unusable':
      return { kind: 'token-failed', pod, why: 'misconfigured', description: explainUnusable(pod, decision) };
  }
}
