import type { Outcome } from '../respond/outcome.ts';
import type { Failure } from '../respond/refusals.ts';

export const eventReasons = [
  'IdentityNotFound',
  'AccessDenied',
  'IdentityNotAssigned',
  'TokenRefused',
  'TooManyRequests',
  'AddressAmbiguous',
] as const;
export type EventReason = (typeof eventReasons)[number];

/** Only for refusals that somebody must fix: not for temporary failures, probes and malformed requests. */
export function eventReasonOf(
  outcome: Outcome,
): { readonly reason: EventReason; readonly outcome: Failure } | undefined {
  const { kind } = outcome;
  if ('denial' in outcome)
    return { reason: outcome.denial.why === 'access-denied' ? 'AccessDenied' : 'IdentityNotFound', outcome };
  if (kind === 'not-assigned') return { reason: 'IdentityNotAssigned', outcome };
  if (kind === 'overloaded') return { reason: 'TooManyRequests', outcome };
  if (kind === 'ambiguous-caller') return { reason: 'AddressAmbiguous', outcome };
  return kind === 'token-failed' && isLasting[outcome.why] ? { reason: 'TokenRefused', outcome } : undefined;
}

const isLasting: Readonly<Record<Extract<Outcome, { kind: 'token-failed' }>['why'], boolean>> = {
  'not-on-host': true,
  refused: true,
  denied: true,
  misconfigured: true,
  throttled: false,
  updating: false,
  unavailable: false,
  // Entra also says it of a credential that exists, or is new.
  'no-credential': false,
  proxy: false,
};
