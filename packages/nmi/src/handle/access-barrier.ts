import type { Access } from '../access/types.ts';
import type { AccessAnswer, AccessGuard } from '../access/guard.ts';
import { exemptionName } from '../authorize/authorize.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';

/** What a token depends on besides bindings. */
export interface Barred {
  /** `namespace/name`; '' for the machine. */
  readonly identity: string;
  readonly access: Access;
}

/** What is told instead of a token; undefined: it may be given. */
export async function barredFrom(
  guard: AccessGuard,
  pod: PodView,
  { identity, access }: Barred,
): Promise<Outcome | undefined> {
  const answer = await guard.ask(access, { namespace: pod.namespace, pod: pod.uid });
  return barring(answer, pod, { identity, access });
}

function barring(
  answer: AccessAnswer,
  { key: pod }: PodView,
  { identity, access }: Barred,
): Outcome | undefined {
  switch (answer.verdict) {
    case 'allowed':
      return undefined;
    case 'denied': {
      const { targets } = answer;
      return {
        kind: 'denied',
        pod,
        denial: { why: 'access-denied', identity, subject: access.subject, targets },
      };
    }
    case 'unanswered':
      return { kind: 'access-unanswered', pod, identity };
    case 'busy':
      return { kind: 'overloaded', pod };
  }
}

export function isForLackOfRight(outcome: Outcome): boolean {
  return (
    outcome.kind === 'access-unanswered' ||
    (outcome.kind === 'denied' && outcome.denial.why === 'access-denied')
  );
}

/**
 * What counts as not bound after this outcome: an identity that the ServiceAccount may not use, or the exemption of a pod whose right
 * on the machine is missing or not known. Undefined: the outcome is final.
 */
export function refusedIn(outcome: Outcome): string | undefined {
  if (outcome.kind === 'denied' && outcome.denial.why === 'access-denied')
    return outcome.denial.identity || exemptionName;
  return outcome.kind === 'access-unanswered' && outcome.identity === '' ? exemptionName : undefined;
}
