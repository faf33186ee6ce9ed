import type { Outcome } from '../respond/outcome.ts';
import type { Failure } from '../respond/refusals.ts';

export const eventReasons = [
  'IdentityNotFound',
  'AccessDenied',
  'IdentityNotAssigned',
  'TokenRefused',
  'CredentialMissing',
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
  const reason = kind === 'token-failed' ? ofFailure[outcome.why] : undefined;
  return reason === undefined || kind !== 'token-failed' ? undefined : { reason, outcome };
}

const ofFailure: Readonly<
  Record<Extract<Outcome, { kind: 'token-failed' }>['why'], EventReason | undefined>
> = {
  'not-on-host': 'TokenRefused',
  refused: 'TokenRefused',
  denied: 'TokenRefused',
  misconfigured: 'TokenRefused',
  throttled: undefined,
  updating: undefined,
  unavailable: undefined,
  // Entra also says it of a credential that is new, for minutes.
  'no-credential': 'CredentialMissing',
  proxy: undefined,
};
