// Room: waiting: for a change of a store, for a turn by namespace and pod; and how many may wait.
// It must not know what is waited for.
import {
  createTokenBucket,
  type Clock,
  type FairQueueLimits,
  type Tenant,
  type Timer,
  type TokenBucket,
} from '@pod-identity/kit/core';
import { createAheadQueue, type AheadQueue } from './ahead-queue.ts';

/** How many questions may run at a time, and begin in a second. */
export interface Rate {
  /** Places. A namespace gets one while it holds fewer than are free: one alone gets half of them, and several leave some free. */
  readonly atATime: number;
  /** Default: no limit but `atATime`. */
  readonly quota?: { readonly burst: number; readonly perSecond: number };
}

export interface QueueRate extends Rate {
  readonly waiting: FairQueueLimits;
}

export interface TurnQueuesOptions<Name extends string> {
  readonly clock: Clock;
  readonly all: Rate & {
    /** How long a question may wait for its turn. */
    readonly patienceMs: number;
  };
  readonly queues: Readonly<Record<Name, QueueRate>>;
}

export interface Waiter {
  /** It is its turn. Must call `leave` when the question is answered or has failed: that gives the place back. */
  begin(leave: () => void): void;
  giveUp(why: NoTurn): void;
}

/** Its turn did not come in time, or its place in the queue was given to a pod or namespace with fewer. */
export type NoTurn = 'late' | 'displaced';

export interface TurnQueue {
  /** Undefined if the queue is full for the pod, its namespace or everybody. */
  enter(tenant: Tenant, waiter: Waiter): { withdraw(): void } | undefined;
  readonly waiting: number;
}

/** Questions that enter `ahead` begin before the others, of each namespace one for each turn of the others. */
export interface TurnQueueWithAhead extends TurnQueue {
  readonly ahead: TurnQueue;
}

/** Whom a question is charged to, and who waits for its answer. */
export interface Questioner {
  readonly tenant: Tenant;
  /** Aborts when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

interface Waiting {
  readonly tenant: Tenant;
  readonly waiter: Waiter;
  readonly late: Timer;
}

interface SharedQueue {
  readonly name: string;
  readonly places: Places;
  readonly queue: AheadQueue<Waiting>;
}

/**
 * Queues of questions that share places and quota. The queues take turns, within a queue its namespaces, within a namespace its
 * pods: a question waits for one question of each other namespace, however many those have.
 */
export function createTurnQueues<Name extends string>(
  options: TurnQueuesOptions<Name>,
): Readonly<Record<Name, TurnQueueWithAhead>> {
  const { clock } = options;
  const queues = Object.entries<QueueRate>(options.queues).map(([name, rate]) => ({
    name,
    places: createPlaces(rate, clock),
    queue: createAheadQueue<Waiting>(rate.waiting),
  }));
  const goOn = createTurns(queues, options);
  const named = queues.map(({ name, queue }) => [name, queueOf(queue, { ...options, goOn })]);
  return Object.fromEntries(named) as Record<Name, TurnQueueWithAhead>;
}

/** Calls `ask` when it is the question's turn. Undefined: the queue was full, the turn did not come in time, or the questioner left. */
export async function runInTurn<T>(
  queue: TurnQueue,
  { tenant, gone }: Questioner,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  const turn = Promise.withResolvers<(() => void) | undefined>();
  const giveUp = () => turn.resolve(undefined);
  const place = gone.aborted ? undefined : queue.enter(tenant, { begin: turn.resolve, giveUp });
  if (!place) return undefined;
  const withdraw = () => {
    place.withdraw();
    giveUp();
  };
  gone.addEventListener('abort', withdraw);
  const leave = await turn.promise;
  gone.removeEventListener('abort', withdraw);
  if (!leave) return undefined;
  try {
    return await ask();
  } finally {
    leave();
  }
}

function queueOf(
  queue: AheadQueue<Waiting>,
  { clock, all, goOn }: Pick<TurnQueuesOptions<never>, 'clock' | 'all'> & { readonly goOn: () => void },
): TurnQueueWithAhead {
  const by = (add: AheadQueue<Waiting>['addAhead']): TurnQueue => ({
    get waiting() {
      return queue.size;
    },
    enter(tenant, waiter) {
      const late = clock.after(all.patienceMs, () => queue.remove(entry) && waiter.giveUp('late'));
      const entry: Waiting = { tenant, waiter, late };
      const added = add(tenant, entry);
      if (added.kind === 'full') {
        late.cancel();
        return undefined;
      }
      added.displaced?.late.cancel();
      added.displaced?.waiter.giveUp('displaced');
      goOn();
      return {
        withdraw: () => {
          if (queue.remove(entry)) late.cancel();
        },
      };
    },
  });
  const others = by((tenant, entry) => queue.add(tenant, entry));
  return Object.assign(others, { ahead: by(queue.addAhead) });
}

/** Begins what may begin, now and whenever the quota or a freed place allows more. */
function createTurns(
  all: readonly SharedQueue[],
  { clock, all: rate }: Pick<TurnQueuesOptions<never>, 'clock' | 'all'>,
): () => void {
  const shared = createPlaces(rate, clock);
  // In the order of their turns.
  const queues = [...all];
  let alarm: Timer | undefined;

  const begin = (one: SharedQueue, { tenant: { namespace }, waiter, late }: Waiting) => {
    late.cancel();
    const leaves = [shared.take(namespace), one.places.take(namespace)];
    waiter.begin(() => {
      for (const leave of leaves.splice(0)) leave();
      goOn();
    });
  };

  /** Begins one question and returns 0, or returns the milliseconds until one may begin; Infinity: not before a place is freed. */
  const step = (): number => {
    let pauseMs = Infinity;
    for (const [index, one] of queues.entries()) {
      if (one.queue.size === 0) continue;
      const itsMs = Math.max(shared.pauseMs(), one.places.pauseMs());
      if (itsMs > 0) pauseMs = Math.min(pauseMs, itsMs);
      const mayServe = (namespace: string) => shared.mayTake(namespace) && one.places.mayTake(namespace);
      const next = itsMs > 0 ? undefined : one.queue.next(mayServe);
      if (!next) continue;
      queues.push(...queues.splice(index, 1));
      begin(one, next);
      return 0;
    }
    return pauseMs;
  };

  const goOn = () => {
    let pauseMs = step();
    while (pauseMs === 0) pauseMs = step();
    alarm?.cancel();
    if (pauseMs !== Infinity) alarm = clock.after(pauseMs, goOn);
  };
  return goOn;
}

type Places = ReturnType<typeof createPlaces>;

/** Places by the namespace that holds them, and a quota of questions that begin. */
function createPlaces({ atATime, quota }: Rate, clock: Clock) {
  const bucket: TokenBucket | undefined =
    quota &&
    createTokenBucket({ capacity: quota.burst, refillPerMs: quota.perSecond / 1000, now: clock.elapsed() });
  const held = new Map<string, number>();
  let free = atATime;

  const heldBy = (namespace: string) => held.get(namespace) ?? 0;
  const add = (namespace: string, count: 1 | -1) => {
    free -= count;
    const left = heldBy(namespace) + count;
    if (left > 0) held.set(namespace, left);
    else held.delete(namespace);
  };

  return {
    /** Infinity: until a place is freed. */
    pauseMs(): number {
      if (free <= 0) return Infinity;
      const now = clock.elapsed();
      return bucket && bucket.available(now) < 1 ? bucket.take(now) : 0;
    },
    mayTake: (namespace: string) => heldBy(namespace) < free,
    take(namespace: string) {
      add(namespace, 1);
      bucket?.take(clock.elapsed());
      return () => add(namespace, -1);
    },
  };
}
