// Checks that reviews of the API server mean something before rights are reviewed.
import { createBackoff } from '@pod-identity/kit/core';
import {
  createStrangerCheck,
  KubeError,
  type AccessReviewer,
  type StrangerResult,
} from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import { refusesNoOne, strangerRight } from '@pod-identity/policy';

interface ProofOptions extends Ambient {
  readonly reviewer: AccessReviewer;
}

export type Proof = ReturnType<typeof createProof>;

const unanswered = 'the API server has not yet refused an invented user the use of an identity';

export function createProof({ reviewer, clock, random, log }: ProofOptions) {
  const refused = Promise.withResolvers<undefined>();
  const backoff = createBackoff({ baseMs: 1_000, capMs: 30_000, random });
  let problem: string | undefined = unanswered;
  let reported: string | undefined;

  const onResult = (result: StrangerResult) => {
    problem = problemOf(result);
    if (problem === undefined) {
      refused.resolve(undefined);
      return undefined;
    }
    if (problem !== reported)
      log.error({ why: problem }, 'rights on identities cannot be reviewed: no pod gets one by them');
    reported = problem;
    return backoff.next();
  };
  const check = createStrangerCheck({ reviewer, right: strangerRight, onResult, clock });
  return {
    /** Why rights cannot be reviewed; undefined if they can. */
    get problem() {
      return problem;
    },
    /** Resolves once the API server has refused an invented user. */
    async proven() {
      check.isRefused();
      await refused.promise;
    },
    /** After the first call of `proven`, asks until it has, or the signal aborts. */
    run: (signal: AbortSignal) => check.run(signal),
  };
}

function problemOf(result: StrangerResult): string | undefined {
  if (!('error' in result)) return result.isRefused ? undefined : refusesNoOne;
  const { error } = result;
  return `${unanswered}: ${error instanceof KubeError ? error.message : String(error)}`;
}
