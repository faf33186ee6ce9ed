import { KubeError, type AccessQuestion, type AccessReviewer } from '@pod-identity/kit/kube';

export type FakeAnswer = boolean | Error;

export const noAnswer = new KubeError('unavailable', 'etcd has no leader', { status: 503 });

/** What it says depends on the ServiceAccount (`namespace/name`) and the name of the target; whatever is not known is refused. */
export class FakeReviewer implements AccessReviewer {
  readonly asked: string[] = [];
  /** How many questions are under way. */
  open = 0;
  mostOpen = 0;
  readonly #answers = new Map<string, FakeAnswer>();
  #gate: Promise<unknown> = Promise.resolve();

  /** What is said from now on; refused without. */
  say(subject: string, name: string, answer: FakeAnswer): void {
    this.#answers.set(`${subject} ${name}`, answer);
  }

  /** Nothing is answered until the function is called that this returns. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#gate = promise;
    return () => resolve(undefined);
  }

  async review({ subject, name }: AccessQuestion, signal?: AbortSignal): Promise<boolean> {
    const who = subject.user.replace('system:serviceaccount:', '').replace(':', '/');
    this.asked.push(`${who} ${name}`);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await this.#gate;
    this.open -= 1;
    signal?.throwIfAborted();
    const answer = this.#answers.get(`${who} ${name}`) ?? false;
    if (typeof answer === 'boolean') return answer;
    throw answer;
  }
}
