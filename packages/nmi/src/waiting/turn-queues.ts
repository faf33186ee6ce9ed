// Room: waiting: for a change of a store, for a turn by namespace and pod; and how many may wait.
// It must not know the outcome of what is waited for.
import {
  createSums,
  createTokenBucket,
  Turns,
  type Clock,
  type FairQueueLimits,
  type Tenant,
  type Timer,
  type TokenBucket,
} from '@pod-identity/kit/core';

/** How many requests may run at a time, and begin in a second. */
export interface Rate {
  /** Places. A namespace gets one while it holds fewer than are free: one alone gets half of them, and several leave some free. */
  readonly atATime: number;
  /** Default: no limit but `atATime`. */
  readonly quota?: { readonly burst: number; readonly perSecond: number };
}

export interface QueueRate extends Rate {
  readonly waiting: FairQueueLimits;
  /** Its requests begin before others, of each namespace one in a round; default: no. */
  readonly isAhead?: boolean;
}

export interface TurnQueuesOptions<Name extends string> {
  readonly clock: Clock;
  readonly all: Rate & {
    /** How long a request may wait for its turn; default: as long as it takes. */
    readonly patienceMs?: number;
  };
  readonly queues: Readonly<Record<Name, QueueRate>>;
}

export interface Waiter {
  /** It is its turn. Must call `leave` when the request has ended: that frees the slot. */
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

/** Whom a request is charged to, and who waits for its response. */
export interface TurnCaller {
  readonly tenant: Tenant;
  /** Aborts when nobody waits for the response any more; default: somebody always does. */
  readonly gone?: AbortSignal;
}

interface Waiting {
  readonly tenant: Tenant;
  readonly waiter: Waiter;
  readonly late: Timer | undefined;
}

/**
 * Queues of requests that share slots and quota. Namespaces take turns, whatever queues they use; the turns of a namespace go to its
 * queues, and those to its pods: a request waits for one request of each other namespace, however many those have.
 */
export function createTurnQueues<Name extends string>(
  options: TurnQueuesOptions<Name>,
): Readonly<Record<Name, TurnQueue>> {
  const paced = createPacedTurns(options);
  return mapValues(options.queues, (_, name) => queueOf(name, paced, options));
}

/** Calls `send` when it is the turn of the request. Undefined: the queue was full, the turn did not come in time, or the caller left. */
export async function runInTurn<T>(
  queue: TurnQueue,
  { tenant, gone }: TurnCaller,
  send: () => Promise<T>,
): Promise<T | undefined> {
  const turn = Promise.withResolvers<(() => void) | undefined>();
  const giveUp = () => turn.resolve(undefined);
  const slot = gone?.aborted ? undefined : queue.enter(tenant, { begin: turn.resolve, giveUp });
  if (!slot) return undefined;
  const withdraw = () => {
    slot.withdraw();
    giveUp();
  };
  gone?.addEventListener('abort', withdraw);
  const leave = await turn.promise;
  gone?.removeEventListener('abort', withdraw);
  if (!leave) return undefined;
  try {
    return await send();
  } finally {
    leave();
  }
}

type PacedTurns<Name extends string> = ReturnType<typeof createPacedTurns<Name>>;

/** Begins what may begin, now and whenever the quota or a freed place allows more. */
function createPacedTurns<Name extends string>({ clock, all, queues }: TurnQueuesOptions<Name>) {
  const shared = createSlots(all, clock);
  const slots = mapValues(queues, (rate) => createSlots(rate, clock));
  const turns = new Turns<Waiting, Name>(mapValues(queues, kindOf));
  const names = Object.keys(queues) as Name[];
  let alarm: Timer | undefined;

  const begin = (name: Name, { tenant: { namespace }, waiter, late }: Waiting) => {
    late?.cancel();
    const leaves = [shared.take(namespace), slots[name].take(namespace)];
    waiter.begin(() => {
      for (const leave of leaves.splice(0)) leave();
      goOn();
    });
  };

  /** Begins one request and returns 0, or returns the milliseconds until one may begin; Infinity: not before a slot is freed. */
  const step = (): number => {
    const waiting = names.filter((name) => turns.size(name) > 0);
    const pauses = waiting.map((name) => Math.max(shared.pauseMs(), slots[name].pauseMs()));
    const open = waiting.filter((_, index) => pauses[index] === 0);
    const mayServe = (namespace: string, name: Name) =>
      shared.mayTake(namespace) && slots[name].mayTake(namespace);
    const next = turns.next(mayServe, open);
    if (!next) return Math.min(...pauses.filter((ms) => ms > 0));
    begin(next.kind, next.item);
    return 0;
  };

  const goOn = () => {
    let pauseMs = step();
    while (pauseMs === 0) pauseMs = step();
    alarm?.cancel();
    if (pauseMs !== Infinity) alarm = clock.after(pauseMs, goOn);
  };

  return {
    remove: (entry: Waiting) => turns.remove(entry),
    size: (name: Name) => turns.size(name),
    goOn,
    add(name: Name, entry: Waiting) {
      if (shared.pauseMs() === 0 && turns.size() === 0) turns.resetAccounts();
      return turns.add(name, entry.tenant, entry);
    },
  };
}

function kindOf({ waiting: limits, isAhead = false, quota }: QueueRate) {
  return { limits, isAhead, hasQuota: quota !== undefined };
}

function queueOf<Name extends string>(
  name: Name,
  turns: PacedTurns<Name>,
  { clock, all: { patienceMs } }: Pick<TurnQueuesOptions<Name>, 'clock' | 'all'>,
): TurnQueue {
  return {
    get waiting() {
      return turns.size(name);
    },
    enter(tenant, waiter) {
      const giveUp = () => turns.remove(entry) && waiter.giveUp('late');
      const late = patienceMs === undefined ? undefined : clock.after(patienceMs, giveUp);
      const entry: Waiting = { tenant, waiter, late };
      const added = turns.add(name, entry);
      if (added.kind === 'full') {
        late?.cancel();
        return undefined;
      }
      added.displaced?.late?.cancel();
      added.displaced?.waiter.giveUp('displaced');
      turns.goOn();
      return {
        withdraw: () => {
          if (turns.remove(entry)) late?.cancel();
        },
      };
    },
  };
}

function mapValues<Name extends string, A, B>(
  values: Readonly<Record<Name, A>>,
  map: (value: A, name: Name) => B,
): Readonly<Record<Name, B>> {
  const entries = Object.entries<A>(values) as [Name, A][];
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value, name)])) as Record<Name, B>;
}

/** Slots by the namespace that holds them, and a quota of requests that begin. */
function createSlots({ atATime, quota }: Rate, clock: Clock) {
  const bucket: TokenBucket | undefined =
    quota &&
    createTokenBucket({ capacity: quota.burst, refillPerMs: quota.perSecond / 1000, now: clock.elapsed() });
  const held = createSums<string>();
  return {
    /** Infinity: until a place is freed. */
    pauseMs(): number {
      if (held.total >= atATime) return Infinity;
      const now = clock.elapsed();
      return bucket && bucket.available(now) < 1 ? bucket.take(now) : 0;
    },
    mayTake: (namespace: string) => held.of(namespace) < atATime - held.total,
    take(namespace: string) {
      held.add(namespace, 1);
      bucket?.take(clock.elapsed());
      return () => held.add(namespace, -1);
    },
  };
}
