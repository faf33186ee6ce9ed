import { longestForMissingMs } from '../authorize/grace.ts';
import type { Outcome } from '../respond/outcome.ts';
import { eitherOf, pacedChanges } from '../waiting/paced-changes.ts';
import { withTimeForReviews } from './rights.ts';
import { createTokenAttempts, type TokenAttempts } from './attempts.ts';
import { decideReviewed, type Allowed, type NotAllowed } from './decide.ts';
import { followPod } from './follow-pod.ts';
import { recallAny } from './obtain.ts';
import { tenantOf, type PodCall, type ReviewedCall, type WaitingCall, type GrantPorts } from './permit.ts';
import { changedFor, goneOf } from './release.ts';
import { createWait, stepForRefusal, stepForMissing, type Step } from './wait.ts';

export interface Granter {
  /** Returns a promise only if the request has to wait. */
  grant(call: PodCall): Outcome | Promise<Outcome>;
}

/** The second half of every token request: the pod is known. A token from memory leaves at once; everything else takes a slot to wait in. */
export function createGranter(options: GrantPorts): Granter {
  const { clock, tokens } = options;
  const changes = pacedChanges(eitherOf(options.changes, tokens.changes), clock);
  const inSlot = { ...options, changes };
  return {
    grant(call) {
      const decision = options.authorizer.decide(call.pod, call.request.selector);
      return recallAny(options, call, decision) ?? serveInSlot(inSlot, call);
    },
  };
}

async function serveInSlot(options: GrantPorts, call: PodCall): Promise<Outcome> {
  const { clock, limits } = options;
  const { pod, patience } = call;
  const slot = limits.enter(tenantOf(pod), patience.caller);
  if (!slot) return { kind: 'overloaded', pod: pod.key };
  const startedAt = clock.elapsed();
  try {
    const outcome = await serveWaiting(options, {
      ...call,
      patience: { deadline: patience.deadline, caller: { gone: slot.ended } },
      missingUntil: startedAt + longestForMissingMs,
      current: followPod(pod, options.latest),
    });
    return slot.isLost && outcome.kind !== 'token' ? { kind: 'overloaded', pod: pod.key } : outcome;
  } finally {
    slot.leave();
  }
}

/** How often a request begins again when its token did not leave since another decision counts by then. */
const mostRestarts = 2;

/** Decides and reviews, gets the token, waits for what is missing and begins again. Once its deadline has passed it does not begin again. */
async function serveWaiting(options: GrantPorts, waiting: WaitingCall): Promise<Outcome> {
  const { clock, onWaited } = options;
  const attempts = createTokenAttempts(options);
  const wait = createWait(options, waiting);
  let waitedFrom: number | undefined;
  try {
    for (let restarts = 0; ;) {
      const call = withTimeForReviews(waiting, clock);
      const decided = await decideReviewed(options, call);
      if (!decided) return goneOf(waiting);
      const { outcome, until, isOver } = await attemptOnce(options, call, { decided, attempts, restarts });
      if (outcome.kind === 'rights-changed' && restarts < mostRestarts && !isOver) {
        restarts += 1;
        continue;
      }
      if (!until) return outcome;
      waitedFrom ??= clock.elapsed();
      if (!(await wait(until))) return outcome;
    }
  } finally {
    if (waitedFrom !== undefined) onWaited(clock.elapsed() - waitedFrom);
  }
}

interface Pass {
  readonly decided: Allowed | NotAllowed;
  readonly attempts: TokenAttempts;
  readonly restarts: number;
}

async function attemptOnce(
  options: GrantPorts,
  call: ReviewedCall,
  { decided, attempts, restarts }: Pass,
): Promise<Step> {
  if ('outcome' in decided) return stepForRefusal(options, call, { decided, outcome: decided.outcome });
  if (restarts > 0 && options.clock.elapsed() >= call.patience.deadline)
    return { outcome: changedFor(call), isOver: true };
  const attempt = await attempts(call, decided);
  return 'missing' in attempt
    ? stepForMissing(options, call, { decided, missing: attempt.missing })
    : stepForRefusal(options, call, { decided, outcome: attempt.outcome });
}
