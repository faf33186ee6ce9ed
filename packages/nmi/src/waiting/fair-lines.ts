// Room: waiting: for a change of a store, for a turn by namespace and pod; and how many may wait.
// It must not know what is waited for.
import {
  createFairQueue,
  createTokenBucket,
  type Clock,
  type FairQueue,
  type FairQueueLimits,
  type Tenant,
  type Timer,
  type TokenBucket,
} from '@pod-identity/kit/core';

/** What may run at a time, and begin in a second. */
export interface Rate {
  readonly atATime: number;
  /** Unless told, as many as there are places. */
  readonly quota?: { readonly burst: number; readonly perSecond: number };
}

export interface LineRate extends Rate {
  readonly waiting: FairQueueLimits;
}

export interface LinesOptions<Name extends string> {
  readonly clock: Clock;
  readonly all: Rate & {
    /** Places that one namespace may hold at a time. */
    readonly perNamespace: number;
    /** How long a question waits for its turn before it is given up. */
    readonly patienceMs: number;
  };
  readonly lines: Readonly<Record<Name, LineRate>>;
}

export interface Waiter {
  /** It is its turn. `leave` gives the place back; it must be called, whatever comes of the question. */
  begin(leave: () => void): void;
  /** Its turn did not come in time, or others with less had to have its place. */
  giveUp(): void;
}

export interface Line {
  /** Undefined: the pod, or its namespace, has all that it may have. */
  enter(tenant: Tenant, waiter: Waiter): { withdraw(): void } | undefined;
  readonly waiting: number;
}

/** Who a question is charged to, and who waits for its answer. */
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

interface OpenLine {
  readonly name: string;
  readonly places: Places;
  readonly queue: FairQueue<Waiting>;
}

/**
 * Lines of questions that share places and quota: the lines take turns, in each of them its namespaces, in each of those its
 * pods. So a question waits for one question of each other namespace, however many those have.
 */
export function createFairLines<Name extends string>(
  options: LinesOptions<Name>,
): Readonly<Record<Name, Line>> {
  const { clock } = options;
  const lines = Object.entries<LineRate>(options.lines).map(([name, rate]) => ({
    name,
    places: createPlaces(rate, clock),
    queue: createFairQueue<Waiting>(rate.waiting),
  }));
  const goOn = createTurns(lines, options);
  const named = lines.map(({ name, queue }) => [name, lineOf(queue, { ...options, goOn })]);
  return Object.fromEntries(named) as Record<Name, Line>;
}

/** Asks when it is the question's turn. Undefined: it had no place, its turn did not come in time, or nobody waits for it any more. */
export async function runInTurn<T>(
  line: Line,
  { tenant, gone }: Questioner,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  const turn = Promise.withResolvers<(() => void) | undefined>();
  const giveUp = () => turn.resolve(undefined);
  const place = gone.aborted ? undefined : line.enter(tenant, { begin: turn.resolve, giveUp });
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

function lineOf(
  queue: FairQueue<Waiting>,
  { clock, all, goOn }: Pick<LinesOptions<never>, 'clock' | 'all'> & { readonly goOn: () => void },
): Line {
  return {
    get waiting() {
      return queue.size;
    },
    enter(tenant, waiter) {
      const late = clock.after(all.patienceMs, () => queue.remove(entry) && waiter.giveUp());
      const entry: Waiting = { tenant, waiter, late };
      const added = queue.add(tenant, entry);
      if (added.kind === 'full') {
        late.cancel();
        return undefined;
      }
      added.displaced?.late.cancel();
      added.displaced?.waiter.giveUp();
      goOn();
      return {
        withdraw: () => {
          if (queue.remove(entry)) late.cancel();
        },
      };
    },
  };
}

/** Begins what may begin, at once and whenever time or a place that is given back allows more. */
function createTurns(
  all: readonly OpenLine[],
  { clock, all: rate }: Pick<LinesOptions<never>, 'clock' | 'all'>,
): () => void {
  const shared = createPlaces(rate, clock);
  const held = createHeld(rate.perNamespace);
  // In the order of their turns.
  const lines = [...all];
  let alarm: Timer | undefined;

  const begin = ({ places }: OpenLine, { tenant, waiter, late }: Waiting) => {
    late.cancel();
    const leaves = [shared.take(), places.take(), held.take(tenant.namespace)];
    waiter.begin(() => {
      for (const leave of leaves.splice(0)) leave();
      goOn();
    });
  };

  /** Begins one question and answers 0, or the milliseconds until one may begin; Infinity: when a place is given back. */
  const step = (): number => {
    let pauseMs = Infinity;
    for (const [index, line] of lines.entries()) {
      if (line.queue.size === 0) continue;
      const lineMs = Math.max(shared.pauseMs(), line.places.pauseMs());
      if (lineMs > 0) pauseMs = Math.min(pauseMs, lineMs);
      const next = lineMs > 0 ? undefined : line.queue.next(held.mayTake);
      if (!next) continue;
      lines.push(...lines.splice(index, 1));
      begin(line, next);
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

/** Places, and a quota of beginnings. */
function createPlaces({ atATime, quota }: Rate, clock: Clock) {
  const bucket: TokenBucket | undefined =
    quota &&
    createTokenBucket({ capacity: quota.burst, refillPerMs: quota.perSecond / 1000, now: clock.now() });
  let running = 0;
  return {
    /** Infinity: until a place is given back. */
    pauseMs(): number {
      if (running >= atATime) return Infinity;
      const now = clock.now();
      return bucket && bucket.available(now) < 1 ? bucket.take(now) : 0;
    },
    take() {
      running += 1;
      bucket?.take(clock.now());
      return () => void (running -= 1);
    },
  };
}

/** Places by the namespace that holds them. */
function createHeld(perNamespace: number) {
  const held = new Map<string, number>();
  return {
    mayTake: (namespace: string) => (held.get(namespace) ?? 0) < perNamespace,
    take(namespace: string) {
      held.set(namespace, (held.get(namespace) ?? 0) + 1);
      return () => {
        const left = (held.get(namespace) ?? 1) - 1;
        if (left > 0) held.set(namespace, left);
        else held.delete(namespace);
      };
    },
  };
}
