import type { Outcome } from '../respond/outcome.ts';
import type { Failure } from '../respond/refusals.ts';

/** As they are shown by `kubectl describe pod`. */
export const eventReasons = [
  'IdentityNotFound',
  'IdentityNotAssigned',
  'TokenRefused',
  'TooManyRequests',
  'AddressAmbiguous',
] as const;
export type EventReason = (typeof eventReasons)[number];

/**
 * Refusals that somebody has to mend, with the outcome that they are. Nothing for what passes by itself (a service that is
 * away, an agent that starts), for probes and for requests that were wrong in themselves: a program's own mistakes are for
 * the program's log.
 */
export function eventReasonOf(
  outcome: Outcome,
): { readonly reason: EventReason; readonly outcome: Failure } | undefined {
  const { kind } = outcome;
  if (kind === 'denied') return { reason: 'IdentityNotFound', outcome };
  if (kind === 'not-assigned')
    return { reason: outcome.seen === 'unbound' ? 'IdentityNotFound' : 'IdentityNotAssigned', outcome };
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
};
