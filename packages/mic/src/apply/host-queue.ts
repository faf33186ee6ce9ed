// The acting room: executes plans host by host, records what happened, tells people. Its ports say what it needs.
// It must not decide what a host or a pod should have: that was decided in plan/, and is only carried out here.
import type { Clock, Timer } from '@pod-identity/kit/core';
import { beginTurn, endTurn, noTurns, waitMs, type DebounceLimits, type RecentTurns } from './debounce.ts';

export interface PokeOptions {
  /** Something new was added to the work that waits: wait for more of it, up to the longest wait. */
  readonly more?: boolean;
  /** There is nothing to be gained from waiting. */
  readonly now?: boolean;
}

/** The limits are of the wait from a poke to the turn: each poke for more work starts it again, up to the longest. */
export interface HostQueueOptions extends DebounceLimits {
  readonly clock: Clock;
  /** Everything stops at once when it aborts; what is running is expected to listen to it as well. */
  readonly signal: AbortSignal;
  /** One turn of one host. It answers when the host wants another turn even if nothing happens. */
  readonly turn: (host: string) => Promise<number | undefined>;
  /** A turn never throws on purpose: what arrives here is a bug, and the host is tried again. */
  readonly onCrash: (host: string, problem: unknown) => void;
}

export interface HostQueue {
  poke(host: string, options?: PokeOptions): void;
  /** Hosts that wait for their turn or have it. Sleeping until a wake time is neither. */
  readonly depth: number;
  /** Resolves once no turn is running: after an abort, the moment when nothing more will be sent. */
  settled(): Promise<void>;
}

/** How long a host whose turn crashed is left alone. */
const crashPauseMs = 30_000;

/**
 * One worker for each host: one turn at a time, as many hosts at once as there are. Nothing is queued but the wish
 * for a turn, so that the turn plans from the newest state and a waiting plan can never be out of date.
 */
export function createHostQueue(options: HostQueueOptions): HostQueue {
  const { signal } = options;
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  const laneOf = (host: string): Lane => {
    const lane = lanes.get(host) ?? new Lane(host, options, running);
    lanes.set(host, lane);
    return lane;
  };
  signal.addEventListener('abort', () => lanes.forEach((lane) => lane.stop()), { once: true });
  return {
    poke(host, how = {}) {
      if (!signal.aborted) laneOf(host).poke(how);
    },
    get depth() {
      return [...lanes.values()].filter((lane) => lane.isBusy).length;
    },
    settled: async () => {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

class Lane {
  readonly #host: string;
  readonly #options: HostQueueOptions;
  /** Shared by all lanes: the turns that have begun and not ended. */
  readonly #turns: Set<Promise<void>>;
  #isRunning = false;
  /** When the turn that was asked for is due, and the latest that more work may push it to. */
  #due: number | undefined;
  #latest = 0;
  /** Whether the turn that is due has waited for more work, and the recent turns that did. */
  #isDebounced = false;
  #recent: RecentTurns = noTurns;
  /** When the host wants a turn even if nobody asks. */
  #wakeAt: number | undefined;
  #timer: Timer | undefined;

  constructor(host: string, options: HostQueueOptions, turns: Set<Promise<void>>) {
    this.#host = host;
    this.#options = options;
    this.#turns = turns;
  }

  get isBusy(): boolean {
    return this.#isRunning || this.#due !== undefined;
  }

  poke({ more = false, now: isUrgent = false }: PokeOptions): void {
    const { clock, longestMs } = this.#options;
    const now = clock.now();
    if (this.#due === undefined) this.#latest = now + longestMs;
    const wait = isUrgent ? 0 : waitMs(this.#options, this.#recent, now);
    const due = Math.min(now + wait, this.#latest);
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
    // After a turn the timer is set again: what was asked for meanwhile is not forgotten, only its time may have come.
    if (this.#isRunning || signal.aborted || at === Infinity) return;
    this.#timer = clock.after(Math.max(0, at - clock.now()), () => this.#begin());
  }

  #begin(): void {
    if (this.#options.signal.aborted) return;
    this.#isRunning = true;
    const { clock } = this.#options;
    const isDebounced = this.#isDebounced && this.#due !== undefined && this.#due <= clock.now();
    if (isDebounced) this.#recent = beginTurn(this.#options, this.#recent, clock.now());
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
    } catch (problem) {
      this.#wakeAt = clock.now() + crashPauseMs;
      if (!signal.aborted) onCrash(this.#host, problem);
    }
    this.#isRunning = false;
    this.#recent = endTurn(this.#recent, clock.now());
    this.#setTimer();
  }
}
