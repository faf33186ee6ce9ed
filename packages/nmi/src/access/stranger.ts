import type { Clock } from '@pod-identity/kit/core';

export interface StrangerOptions {
  /** Whether the API server refuses an invented user; rejects when it gives no usable answer. */
  readonly isRefused: () => Promise<boolean>;
  readonly clock: Clock;
}

/** Whether reviews of this API server mean anything: one that allows everything (AlwaysAllow) allows an invented user, too. */
export interface StrangerCheck {
  /** The invented user was refused the last time that there was an answer. The check begins when this is first asked. */
  isPassed(): boolean;
  /** Resolves when the first question has ended. */
  readonly looked: Promise<unknown>;
  /** What is wrong, with its remedy; undefined: nothing. */
  problem(): string | undefined;
  /** Repeats the check until the signal aborts, once it has begun. */
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
    'subjectaccessreviews.authorization.k8s.io to the service account of NMI (deploy/rbac/nmi.yaml)',
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
