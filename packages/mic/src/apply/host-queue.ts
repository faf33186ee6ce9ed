import type { Clock, Timer } from '@pod-identity/kit/core';

interface PokeOptions {
  /** New work was added: wait for more, up to the longest wait. */
  readonly more?: boolean;
  /** Without waiting. */
  readonly now?: boolean;
}

/** The waits from a poke to the turn: each poke for more work restarts them. */
export interface HostQueueOptions {
  /** On a host that had no turn lately. */
  readonly quietMs: number;
  /** On another one. */
  readonly busyMs: number;
  /** However many pokes follow. */
  readonly longestMs: number;
  readonly clock: Clock;
  /** Stops everything; running turns must listen to it as well. */
  readonly signal: AbortSignal;
  /** Runs one turn of one host. Resolves to the time of the next turn without a poke, if any. */
  readonly turn: (host: string) => Promise<number | undefined>;
  /** Called with an error of a turn, which is a bug; the host is retried. */
  readonly onCrash: (host: string, problem: unknown) => void;
  /** Whether nothing is to be kept of the host once it has no turn. */
  readonly isGone: (host: string) => boolean;
}

export type HostQueue = ReturnType<typeof createHostQueue>;

/** Pauses of a host after crashes in a row, doubled each time. The first is short: what came during the turn waits for the next one. */
const firstCrashPauseMs = 1_000;
const longestCrashPauseMs = 30_000;
/** How long a host counts as busy after a turn that waited for more work. */
const busyForMs = 10_000;

/**
 * One worker for each host: one turn at a time, all hosts in parallel. The queue holds no plans, only requests for turns, so each turn
 * plans from the newest state.
 */
export function createHostQueue(options: HostQueueOptions) {
  const { signal, isGone } = options;
  const workers = new Map<string, HostWorker>();
  const running = new Set<Promise<void>>();
  const workerOf = (host: string): HostWorker => {
    const onRest = () => {
      if (isGone(host)) workers.delete(host);
    };
    const worker = workers.get(host) ?? new HostWorker(host, { ...options, onRest }, running);
    workers.set(host, worker);
    return worker;
  };
  signal.addEventListener('abort', () => workers.forEach((worker) => worker.stop()), { once: true });
  return {
    poke(host: string, how: PokeOptions = {}) {
      if (!signal.aborted) workerOf(host).poke(how);
    },
    /** Number of hosts with a due or running turn. */
    get depth() {
      return [...workers.values()].filter((worker) => worker.isBusy).length;
    },
    /** Number of hosts of which anything is kept. */
    get size() {
      return workers.size;
    },
    /** Resolves when no turn is running; after an abort nothing more is sent then. */
    settled: async () => {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

interface WorkerOptions extends HostQueueOptions {
  /** Called after a turn that asks for no other one. */
  readonly onRest: () => void;
}

class HostWorker {
  readonly #host: string;
  readonly #options: WorkerOptions;
  /** Running turns, shared by all lanes. */
  readonly #turns: Set<Promise<void>>;
  #isRunning = false;
  /** Since the last turn that ended well. */
  #crashes = 0;
  /** When the requested turn is due, and the limit to which more work can delay it. */
  #due: number | undefined;
  #latest = 0;
  /** Whether the due turn has waited for more work, and the end of the last turn that did. */
  #isDebounced = false;
  #busyUntil = -Infinity;
  /** Time of the next turn without a poke. */
  #wakeAt: number | undefined;
  #timer: Timer | undefined;

  constructor(host: string, options: WorkerOptions, turns: Set<Promise<void>>) {
    this.#host = host;
    this.#options = options;
    this.#turns = turns;
  }

  get isBusy(): boolean {
    return this.#isRunning || this.#due !== undefined;
  }

  poke({ more = false, now: isUrgent = false }: PokeOptions): void {
    const { clock, quietMs, busyMs, longestMs } = this.#options;
    const now = clock.now();
    if (this.#due === undefined) this.#latest = now + longestMs;
    const wait = now < this.#busyUntil ? busyMs : quietMs;
    const due = Math.min(now + (isUrgent ? 0 : wait), this.#latest);
    if (this.#due !== undefined && due > this.#due && !more) return;
    this.#due = due;
    this.#isDebounced = !isUrgent;
    this.#setTimer();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const { clock, signal } = this.#options;
    const at = Math.min(this.#due ?? Infinity, this.#wakeAt ?? Infinity);
    // After a turn the timer is set again for requests meanwhile.
    if (this.#isRunning || signal.aborted || at === Infinity) return;
    this.#timer = clock.after(Math.max(0, at - clock.now()), () => this.#begin());
  }

  #begin(): void {
    if (this.#options.signal.aborted) return;
    this.#isRunning = true;
    const { clock } = this.#options;
    const isDebounced = this.#isDebounced && this.#due !== undefined && this.#due <= clock.now();
    if (isDebounced) this.#busyUntil = Infinity;
    this.#due = undefined;
    this.#wakeAt = undefined;
    const turn = this.#takeTurn();
    this.#turns.add(turn);
    void turn.finally(() => this.#turns.delete(turn));
  }

  async #takeTurn(): Promise<void> {
    const { clock, signal, turn, onCrash } = this.#options;
    try {
      this.#wakeAt = await turn(this.#host);
      this.#crashes = 0;
    } catch (problem) {
      this.#wakeAt = clock.now() + Math.min(longestCrashPauseMs, firstCrashPauseMs * 2 ** this.#crashes);
      this.#crashes += 1;
      if (!signal.aborted) onCrash(this.#host, problem);
    }
    this.#isRunning = false;
    if (this.#busyUntil === Infinity) this.#busyUntil = clock.now() + busyForMs;
    this.#setTimer();
    if (this.#due === undefined && this.#wakeAt === undefined) this.#options.onRest();
  }
}
