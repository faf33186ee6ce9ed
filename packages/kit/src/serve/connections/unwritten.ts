import type { Clock, Timer } from '../../core/clock.ts';

/** A connection, as far as it matters here. */
export interface Taker<Caller> {
  readonly caller: Caller;
  /** Of the caller: that of its namespace, or its own. */
  group(): string;
  /** Bytes of its answers that the kernel has not taken yet. */
  unwritten(): number;
}

export interface UnwrittenOptions<T> {
  readonly clock: Clock;
  readonly close: (taker: T) => void;
}

/** Responses that wait for readers: each of them is memory that a caller holds by not reading. */
export interface Unwritten<T> {
  /** Something of it was left to write, or has been written since. */
  look(taker: T): void;
  /** So many bytes more wait for what is before them on the connection: nearly always they are written in the same turn. */
  lookSoon(taker: T, bytes: number): void;
  forget(taker: T): void;
}

const MiB = 1024 * 1024;
/** Of one caller, of a group of them, and of all together. The largest answer has one MiB. */
export const unwrittenLimits = { perCaller: 2 * MiB, perGroup: 8 * MiB, total: 16 * MiB };
/** An answer fits into one packet, or into a few hundred. */
export const patienceMs = 30_000;

/** What waits for its turn only is looked at after this time, with one timer for all connections; before, when it is so much together. */
export const soon = { afterMs: 10, bytes: MiB };

interface Waiting {
  readonly group: string;
  readonly timer: Timer;
  bytes: number;
}

/**
 * A connection that takes its caller or its group over their bound is closed; when all together are over theirs, the connections of
 * the group with most are closed. A connection on which something stays unread for longer than anybody needs is closed too.
 */
export function createUnwritten<Caller, T extends Taker<Caller>>(options: UnwrittenOptions<T>): Unwritten<T> {
  const { clock, close } = options;
  const waiting = new Map<T, Waiting>();
  const { count, isOver, heaviestGroup } = createAccounts<Caller>();

  const forget = (taker: T) => {
    later.drop(taker);
    const known = waiting.get(taker);
    if (!known) return;
    known.timer.cancel();
    waiting.delete(taker);
    count(taker.caller, known, 0);
  };
  const shut = (taker: T) => {
    forget(taker);
    close(taker);
  };
  const waitFor = (taker: T): Timer => clock.after(patienceMs, () => shut(taker));
  const shutAll = (group: string) => {
    for (const [taker, known] of [...waiting]) if (known.group === group) shut(taker);
  };

  const look = (taker: T) => {
    const bytes = taker.unwritten();
    if (bytes === 0) {
      forget(taker);
      return;
    }
    const known = waiting.get(taker) ?? { group: taker.group(), bytes: 0, timer: waitFor(taker) };
    waiting.set(taker, known);
    count(taker.caller, known, bytes);
    if (isOver(taker.caller, known.group)) shut(taker);
    for (let group = heaviestGroup(); group !== undefined; group = heaviestGroup()) shutAll(group);
  };
  const later = createLater(clock, look);

  return {
    forget,
    look,
    lookSoon(taker, bytes) {
      if (waiting.has(taker)) look(taker);
      else later.add(taker, bytes);
    },
  };
}

/** Looks put off. What is left of their bytes then is counted; a bound is exceeded by `soon.bytes` at most, and for `soon.afterMs`. */
function createLater<T>(clock: Clock, look: (taker: T) => void) {
  const takers = new Set<T>();
  let sum = 0;
  let timer: Timer | undefined;
  const lookAtAll = () => {
    timer?.cancel();
    timer = undefined;
    sum = 0;
    const due = [...takers];
    takers.clear();
    due.forEach(look);
  };
  return {
    drop: (taker: T) => void takers.delete(taker),
    add(taker: T, bytes: number) {
      takers.add(taker);
      sum += bytes;
      if (sum > soon.bytes) lookAtAll();
      else timer ??= clock.after(soon.afterMs, lookAtAll);
    },
  };
}

function createAccounts<Caller>() {
  const [callers, groups] = [createSums<Caller>(), createSums<string>()];
  const { perCaller, perGroup, total } = unwrittenLimits;
  return {
    count: (caller: Caller, known: Waiting, bytes: number) => {
      callers.add(caller, bytes - known.bytes);
      groups.add(known.group, bytes - known.bytes);
      known.bytes = bytes;
    },
    isOver: (caller: Caller, group: string) => callers.of(caller) > perCaller || groups.of(group) > perGroup,
    /** When all together are over their bound. */
    heaviestGroup: () => (groups.total > total ? groups.heaviest() : undefined),
  };
}

function createSums<Key>() {
  const sums = new Map<Key, number>();
  let total = 0;
  return {
    of: (key: Key) => sums.get(key) ?? 0,
    add(key: Key, by: number) {
      total += by;
      const sum = (sums.get(key) ?? 0) + by;
      if (sum === 0) sums.delete(key);
      else sums.set(key, sum);
    },
    /** Of any at all. */
    heaviest: () => [...sums].reduce((most, one) => (one[1] > most[1] ? one : most))[0],
    get total() {
      return total;
    },
  };
}
