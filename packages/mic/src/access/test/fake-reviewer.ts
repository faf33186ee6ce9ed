import { KubeError, type AccessReviewRequest, type AccessReviewer } from '@pod-identity/kit/kube';

export type FakeAnswer = boolean | Error;

export const noAnswer = new KubeError('unavailable', 'etcd has no leader', { status: 503 });

/** Returns by ServiceAccount (`namespace/name`) and name of the target; refuses everything else. */
export class FakeReviewer implements AccessReviewer {
  readonly asked: string[] = [];
  /** Questions in progress. */
  open = 0;
  mostOpen = 0;
  readonly #answers = new Map<string, FakeAnswer>();
  #gate: Promise<unknown> = Promise.resolve();

  /** The answer from now on; default: refused. */
  say(subject: string, name: string, result: FakeAnswer): void {
    this.#answers.set(`${subject} ${name}`, result);
  }

  /** Holds all answers until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#gate = promise;
    return () => resolve(undefined);
  }

  async review({ subject, name }: AccessReviewRequest, signal?: AbortSignal): Promise<boolean> {
    const who = subject.user.replace('system:serviceaccount:', '').replace(':', '/');
    this.asked.push(`${who} ${name}`);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await this.#gate;
    this.open -= 1;
    signal?.throwIfAborted();
    const result = this.#answers.get(`${who} ${name}`) ?? false;
    if (typeof result === 'boolean') return result;
    throw result;
  }
}
