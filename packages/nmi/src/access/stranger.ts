import type { Clock } from '@pod-identity/kit/core';

export interface StrangerOptions {
  /** Whether the API server refuses an invented user; rejects without a usable answer. */
  readonly isRefused: () => Promise<boolean>;
  readonly clock: Clock;
}

/** Checks that reviews of this API server mean something: one that allows everything (AlwaysAllow) also allows an invented user. */
export interface StrangerCheck {
  /** Whether the last answer refused the invented user. The first call starts the check. */
  isPassed(): boolean;
  /** Resolves after the first question. */
  readonly looked: Promise<unknown>;
  /** The problem with its remedy; undefined if there is none. */
  problem(): string | undefined;
  /** After the first call of `isPassed` or `problem`, repeats the check until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const pausesMs = { passed: 5 * 60_000, failed: 30_000, unanswered: 2_000 };

const problems: Readonly<Record<keyof typeof pausesMs, string | undefined>> = {
  passed: undefined,
  failed:
    'the API server allows an invented user to use Azure identities, so its answers about rights mean nothing: pods whose namespace has ' +
    '--identity-access=rbac get no token. Start the API server with --authorization-mode=Node,RBAC, or set --identity-access=namespace',
  unanswered:
    'the API server has not said yet whether it refuses an invented user (--identity-access=rbac): allow create of ' +
    'subjectaccessreviews.authorization.k8s.io to the service account of NMI (deploy/base/nmi/rbac.yaml)',
};

export function createStrangerCheck({ isRefused, clock }: StrangerOptions): StrangerCheck {
  const begun = Promise.withResolvers<undefined>();
  const looked = Promise.withResolvers<undefined>();
  let state: keyof typeof pausesMs = 'unanswered';

  const look = async () => {
    const isSo = await isRefused().catch(() => undefined);
    if (isSo !== undefined) state = isSo ? 'passed' : 'failed';
    looked.resolve(undefined);
    return isSo === undefined ? pausesMs.unanswered : pausesMs[state];
  };
  const isPassed = () => {
    begun.resolve(undefined);
    return state === 'passed';
  };

  return {
    isPassed,
    looked: looked.promise,
    problem: () => {
      isPassed();
      return problems[state];
    },
    async run(signal) {
      const end = () => begun.resolve(undefined);
      signal.addEventListener('abort', end);
      await begun.promise;
      while (!signal.aborted) await clock.sleep(await look(), signal).catch(() => undefined);
      looked.resolve(undefined);
    },
  };
}
