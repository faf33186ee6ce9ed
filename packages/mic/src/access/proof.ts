// Whether what the API server says about rights is worth anything: one that refuses nobody (AlwaysAllow) would give every pod
// every identity.
import { accessGroup, accessVerb } from '@pod-identity/crd-types';
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import { KubeError, refusesStranger, type AccessReviewer } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';

export interface ProofOptions {
  readonly reviewer: AccessReviewer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Proof {
  /** Asks until the API server has refused an invented user; asks once, whoever calls. Never rejects. */
  proven(): Promise<void>;
  /** Why rights cannot be reviewed; undefined once they can. */
  readonly problem: string | undefined;
}

const unanswered = 'the API server has not yet refused an invented user the use of an identity';
const open =
  'the API server lets an invented user use any identity: its authorization is off (AlwaysAllow), or everybody was granted the right';

export function createProof(options: ProofOptions): Proof {
  let problem: string | undefined = unanswered;
  let asking: Promise<void> | undefined;
  return {
    get problem() {
      return problem;
    },
    proven: () =>
      (asking ??= untilRefused(options, (found) => {
        problem = found;
      })),
  };
}

async function untilRefused(options: ProofOptions, found: (problem: string | undefined) => void) {
  const { clock, random, signal, log } = options;
  const backoff = createBackoff({ baseMs: 1_000, capMs: 30_000, random });
  let told: string | undefined;
  while (!signal.aborted) {
    const problem = await ask(options);
    found(problem);
    if (problem === undefined) return;
    if (problem !== told)
      log.error({ why: problem }, 'rights on identities cannot be reviewed: no pod gets one by them');
    told = problem;
    await clock.sleep(backoff.next(), signal).catch(() => undefined);
  }
  // The process ends: nobody is to go on as if there were an answer.
  return new Promise<void>(() => undefined);
}

async function ask({ reviewer, signal }: ProofOptions): Promise<string | undefined> {
  const right = { verb: accessVerb, group: accessGroup, resource: 'managedidentities' };
  try {
    return (await refusesStranger(reviewer, right, signal)) ? undefined : open;
  } catch (error) {
    return `${unanswered}: ${error instanceof KubeError ? error.message : String(error)}`;
  }
}
