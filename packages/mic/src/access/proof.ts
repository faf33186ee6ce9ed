// Checks that reviews of the API server mean something: one that refuses nobody (AlwaysAllow) would give every pod every
// identity.
import { accessGroup, accessVerb } from '@pod-identity/crd-types';
import { aborted, createBackoff, type Clock } from '@pod-identity/kit/core';
import { KubeError, refusesStranger, type AccessReviewer } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';

export interface ProofOptions {
  readonly reviewer: AccessReviewer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface Proof {
  /** After the first call of `proven`, asks until the API server has refused an invented user or the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once it has. */
  proven(): Promise<void>;
  /** Why rights cannot be reviewed; undefined if they can. */
  readonly problem: string | undefined;
}

const unanswered = 'the API server has not yet refused an invented user the use of an identity';
const open =
  'the API server lets an invented user use any identity: its authorization is off (AlwaysAllow), or everybody was granted the right';

export function createProof(options: ProofOptions): Proof {
  const wanted = Promise.withResolvers<undefined>();
  const refused = Promise.withResolvers<undefined>();
  let problem: string | undefined = unanswered;
  return {
    get problem() {
      return problem;
    },
    async proven() {
      wanted.resolve(undefined);
      await refused.promise;
    },
    async run(signal) {
      await Promise.race([wanted.promise, aborted(signal)]);
      if (signal.aborted) return;
      const isRefused = await untilRefused(options, signal, (found) => {
        problem = found;
      });
      if (isRefused) refused.resolve(undefined);
    },
  };
}

async function untilRefused(
  options: ProofOptions,
  signal: AbortSignal,
  found: (problem: string | undefined) => void,
): Promise<boolean> {
  const { clock, random, log } = options;
  const backoff = createBackoff({ baseMs: 1_000, capMs: 30_000, random });
  let told: string | undefined;
  while (!signal.aborted) {
    const problem = await ask(options, signal);
    found(problem);
    if (problem === undefined) return true;
    if (problem !== told)
      log.error({ why: problem }, 'rights on identities cannot be reviewed: no pod gets one by them');
    told = problem;
    await clock.sleep(backoff.next(), signal).catch(() => undefined);
  }
  return false;
}

async function ask({ reviewer }: ProofOptions, signal: AbortSignal): Promise<string | undefined> {
  const right = { verb: accessVerb, group: accessGroup, resource: 'managedidentities' };
  try {
    return (await refusesStranger(reviewer, right, signal)) ? undefined : open;
  } catch (error) {
    return `${unanswered}: ${error instanceof KubeError ? error.message : String(error)}`;
  }
}
