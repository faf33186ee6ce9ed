// Room: forgets tokens and Secrets that no pod of the node may use any more; knows which pods requested them.
// It must not get a token, or decide whether a request gets one.
import { aborted, createFairQueue, type Clock, type Timer } from '@pod-identity/kit/core';
import type { RightsChange } from '../authorize/types.ts';
import type { Usable } from '../authorize/usable-by.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Holder, Holders, Thing } from './holders.ts';
import { createMarks, type Reach } from './marks.ts';

export interface ForgetterOptions {
  readonly holders: Pick<Holders, 'of' | 'namespaces' | 'in' | 'keep'>;
  /** The pod of this node with this uid, as its watch delivered it. */
  readonly podOf: (uid: string) => PodView | undefined;
  /** Evaluates the rights of the pod once. */
  readonly usableBy: (pod: PodView) => Usable;
  readonly reachOf: Reach;
  readonly changes: {
    /** Both return the function that unsubscribes. */
    onPod(listener: (uid: string) => void): () => void;
    onRights(listener: (change: RightsChange) => void): () => void;
  };
  readonly clock: Pick<Clock, 'after' | 'elapsed'>;
}

export interface Forgetter {
  /** To be called when the pod holds something that it did not hold before: its rights may have changed while it waited. */
  held(holder: Holder): void;
  run(signal: AbortSignal): Promise<void>;
}

/** Changes within this time are handled together. */
const settleMs = 250;
/** After each pod there is a pause of so many times the duration of its evaluation. */
const restPerWork = 4;
/** How long the watch may take to deliver a pod that the API server has confirmed. */
const unseenMs = 60_000;
const unlimited = { total: Infinity, perNamespace: Infinity, perPod: Infinity };

/**
 * Evaluates the rights of pods again that hold something and that a change may concern: one pod in each turn of the event loop, namespaces
 * in turn. So a namespace whose objects change all the time delays others by one pod each time, and a pod that requested nothing costs nothing.
 */
export function createForgetter(options: ForgetterOptions): Forgetter {
  const { clock, changes, holders } = options;
  const marks = createMarks(holders, options.reachOf);
  const due = createDue();
  const review = createReview(options, (holder) => mark(holder));
  let [isRunning, isSettling] = [false, false];
  const goOn = createWorker(clock, () => {
    const holder = isRunning ? due.next() : undefined;
    if (holder) review.of(holder);
    return holder !== undefined;
  });

  const settle = () => {
    if (isSettling || !isRunning) return;
    isSettling = true;
    clock.after(settleMs, () => {
      isSettling = false;
      for (const holder of marks.take()) due.add(holder);
      goOn();
    });
  };
  const mark = (holder: Holder | undefined) => {
    if (holder) marks.pod(holder);
    settle();
  };

  return {
    held(holder) {
      review.expect(holder);
      mark(holder);
    },
    async run(signal) {
      isRunning = true;
      const stops = [
        changes.onPod((uid) => mark(holders.of(uid))),
        changes.onRights((change) => {
          marks.change(change);
          settle();
        }),
      ];
      settle();
      await aborted(signal);
      isRunning = false;
      for (const stop of stops) stop();
    },
  };
}

/** One piece of work in each turn of the event loop, until there is none. */
function createWorker(clock: ForgetterOptions['clock'], doOne: () => boolean): () => void {
  let isWorking = false;
  const work = () => {
    const begunAt = clock.elapsed();
    isWorking = doOne();
    if (isWorking) clock.after((clock.elapsed() - begunAt) * restPerWork, work);
  };
  return () => {
    if (!isWorking) work();
  };
}

/** Each pod once. */
function createDue() {
  const queue = createFairQueue<Holder>(unlimited);
  const queued = new Set<Holder>();
  return {
    add(holder: Holder) {
      if (queued.has(holder)) return;
      queued.add(holder);
      queue.add(holder.tenant, holder);
    },
    next() {
      const holder = queue.next();
      if (holder) queued.delete(holder);
      return holder;
    },
  };
}

/** A pod that the watch has not delivered yet keeps what it holds for a while. */
function createReview(
  { podOf, usableBy, holders, clock }: ForgetterOptions,
  again: (holder: Holder) => void,
) {
  const unseen = new Map<Holder, Timer>();
  const seen = (holder: Holder) => {
    unseen.get(holder)?.cancel();
    unseen.delete(holder);
  };
  return {
    expect(holder: Holder) {
      if (unseen.has(holder) || podOf(holder.tenant.pod) || holder.held.size > 1) return;
      const late = () => {
        unseen.delete(holder);
        again(holder);
      };
      unseen.set(holder, clock.after(unseenMs, late));
    },
    of(holder: Holder) {
      const pod = podOf(holder.tenant.pod);
      if (!pod && unseen.has(holder)) return;
      seen(holder);
      if (holder.held.size > 0) holders.keep(holder, pod ? isAmong(usableBy(pod)) : () => false);
    },
  };
}

function isAmong(usable: Usable): (thing: Thing) => boolean {
  return ({ key, machine }) => (machine ? usable.allows(machine) : usable.keys.has(key));
}
