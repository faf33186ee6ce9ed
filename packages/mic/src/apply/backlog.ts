// The pods of one host that are still to be planned: those that have changed since their last plan, a portion at a time; those whose
// steps are held, which are skipped until their time; and those that have crashed alone.
import { podKeyOf } from '../plan/plan.ts';
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import type { PodKey } from '../snapshot/views.ts';
import type { AssignmentsDone, HeldSteps } from './apply-assignments.ts';

export interface Portion {
  readonly pods: readonly PodKey[];
  /** The held steps of their last plan. */
  readonly held: HeldSteps;
}

/** Between passes of pods that have crashed alone: each crash makes all pods of the host wait. */
const alonePauseMs = 300_000;

const noSteps: HeldSteps = new Map();

interface Waiting {
  readonly steps: HeldSteps;
  readonly until: number;
}

/** The cost of a pod in writes, at least 1. */
type Weigh = (pod: PodKey) => number;

export interface BacklogMoment {
  readonly now: number;
  readonly facts: HostFacts | undefined;
  /** The identities that are being detached: another set whenever they change. */
  readonly leaving?: ReadonlySet<ResourceId>;
  readonly weigh?: Weigh;
}

/** Namespaces take turns, since the next pass waits for the last write of this one. */
function* inTurns(pods: Iterable<PodKey>): Generator<PodKey> {
  const queues = Map.groupBy(pods, namespaceOf);
  for (let turn = 0; queues.size > 0; turn += 1) {
    for (const [namespace, queue] of queues) {
      const pod = queue[turn];
      if (pod === undefined) queues.delete(namespace);
      else yield pod;
    }
  }
}

export class Backlog {
  readonly #size: number;
  /** Of the next pass. */
  #room: number;
  readonly #unplanned = new Map<PodKey, HeldSteps>();
  readonly #waiting = new Map<PodKey, Waiting>();
  /** Pods that have crashed alone: each is planned without others. */
  readonly #alone = new Set<PodKey>();
  #aloneAt = 0;
  #wakeAt = Infinity;
  /** Of the host, when waiting pods were last taken. */
  #facts: HostFacts | undefined;
  #leaving: ReadonlySet<ResourceId> | undefined;

  /** @param size Pods of a pass; fewer if they count for more than one. */
  constructor(size: number) {
    this.#size = size;
    this.#room = size;
  }

  /** The pods of the next pass, including waiting ones if their time has come or the host has changed. */
  take(dirty: Iterable<PodKey>, at: BacklogMoment): Portion {
    this.#gather(dirty, at);
    const pods = this.#unplanned.size > 0 ? this.#choose(at) : this.#chooseAlone(at);
    const held = new Map(pods.flatMap((pod) => [...(this.#unplanned.get(pod) ?? noSteps)]));
    for (const pod of pods) this.#unplanned.delete(pod);
    return { pods, held };
  }

  #gather(dirty: Iterable<PodKey>, at: BacklogMoment): void {
    for (const pod of dirty) {
      this.#unplanned.set(pod, this.#release(pod));
      this.#alone.delete(pod);
    }
    const isHostOther = at.facts !== this.#facts || at.leaving !== this.#leaving;
    if (isHostOther || at.now >= this.#wakeAt) this.#wake(isHostOther ? Infinity : at.now);
    this.#facts = at.facts;
    this.#leaving = at.leaving;
  }

  #choose({ weigh = () => 1 }: BacklogMoment): PodKey[] {
    const chosen: PodKey[] = [];
    let room = this.#room;
    for (const pod of inTurns(this.#unplanned.keys())) {
      if (room <= 0) break;
      chosen.push(pod);
      room -= weigh(pod);
    }
    return chosen;
  }

  #chooseAlone({ now }: BacklogMoment): PodKey[] {
    const [pod] = this.#alone;
    if (pod === undefined || now < this.#aloneAt) return [];
    this.#alone.delete(pod);
    return [pod];
  }

  /** Records the outcome of the pass. Besides those with held steps, `waiting` pods are planned again when the host has changed. */
  settle({ unfinished }: AssignmentsDone, waiting: readonly PodKey[] = []): void {
    this.#room = this.#size;
    for (const { step, key, held, until } of unfinished) {
      const pod = podKeyOf(step);
      const waiting = this.#waiting.get(pod) ?? { steps: noSteps, until };
      const steps = new Map([...waiting.steps, [key, held]]);
      this.#waiting.set(pod, { steps, until: Math.min(waiting.until, until) });
      this.#wakeAt = Math.min(this.#wakeAt, until);
    }
    for (const pod of waiting)
      if (!this.#waiting.has(pod)) this.#waiting.set(pod, { steps: noSteps, until: Infinity });
  }

  /** To be called if the pass of these pods has crashed: they come again, half as many at a time, until the cause is alone. */
  restore(pods: readonly PodKey[], now: number): void {
    if (pods.length === 0) return;
    const isAlone = pods.length === 1;
    this.#room = isAlone ? this.#size : Math.max(1, Math.floor(pods.length / 2));
    if (isAlone) this.#aloneAt = now + alonePauseMs;
    for (const pod of pods)
      if (isAlone) this.#alone.add(pod);
      else this.#unplanned.set(pod, noSteps);
  }

  /** Whether pods remain beyond the size of one pass. */
  get hasMore(): boolean {
    return this.#unplanned.size > 0;
  }

  get wakeAt(): number | undefined {
    const at = Math.min(this.#wakeAt, this.#alone.size > 0 ? this.#aloneAt : Infinity);
    return at === Infinity ? undefined : at;
  }

  get isEmpty(): boolean {
    return this.#unplanned.size + this.#waiting.size + this.#alone.size === 0;
  }

  /** Takes the pods whose time has come. */
  #wake(now: number): void {
    this.#wakeAt = Infinity;
    for (const [pod, { until }] of [...this.#waiting]) {
      if (until <= now) this.#unplanned.set(pod, this.#release(pod));
      else this.#wakeAt = Math.min(this.#wakeAt, until);
    }
  }

  #release(pod: PodKey): HeldSteps {
    const steps = this.#waiting.get(pod)?.steps ?? this.#unplanned.get(pod) ?? noSteps;
    this.#waiting.delete(pod);
    return steps;
  }
}
