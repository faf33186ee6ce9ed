import type { Clock, Timer } from '../../core/clock.ts';
import { createSums } from '../../core/sums.ts';

/** A connection. */
export interface Reader<Caller> {
  readonly caller: Caller;
  /** The caller's namespace, or the caller itself. */
  group(): string;
  /** Bytes of its responses that the kernel has not taken yet. */
  unwritten(): number;
}

/** Limits the memory that callers hold by not reading responses. */
export interface Unwritten<T> {
  /** Called when the unwritten bytes of a connection have changed. */
  look(line: T): void;
  /** Called for bytes that wait for earlier responses of the connection; mostly they are written in the same turn. */
  lookSoon(line: T, bytes: number): void;
  forget(line: T): void;
}

const MiB = 1024 * 1024;
/** The largest response has one MiB. */
export const unwrittenLimits = { perCaller: 2 * MiB, perGroup: 8 * MiB, total: 16 * MiB };
/** A response fits into one packet, or into a few hundred. */
export const patienceMs = 30_000;

/** Waiting responses are checked after this time, with one timer for all connections, or when they reach so many bytes together. */
export const soon = { afterMs: 10, bytes: MiB };

interface Waiting {
  readonly group: string;
  readonly timer: Timer;
  bytes: number;
}

/**
 * Closes a connection that takes its caller or group over the limit; if all together are over theirs, the connections of the group with
 * most; and a connection with bytes that stay unread too long.
 */
export function createUnwritten<Caller, T extends Reader<Caller>>(
  clock: Clock,
  close: (line: T) => void,
): Unwritten<T> {
  const waiting = new Map<T, Waiting>();
  const { count, isOver, heaviestGroup } = createAccounts<Caller>();

  const forget = (line: T) => {
    later.drop(line);
    const known = waiting.get(line);
    if (!known) return;
    known.timer.cancel();
    waiting.delete(line);
    count(line.caller, known, 0);
  };
  const shut = (line: T) => {
    forget(line);
    close(line);
  };
  const waitFor = (line: T): Timer => clock.after(patienceMs, () => shut(line));
  const shutAll = (group: string) => {
    for (const [line, known] of [...waiting]) if (known.group === group) shut(line);
  };

  const look = (line: T) => {
    const bytes = line.unwritten();
    if (bytes === 0) {
      forget(line);
      return;
    }
    const known = waiting.get(line) ?? { group: line.group(), bytes: 0, timer: waitFor(line) };
    waiting.set(line, known);
    count(line.caller, known, bytes);
    if (isOver(line.caller, known.group)) shut(line);
    for (let group = heaviestGroup(); group !== undefined; group = heaviestGroup()) shutAll(group);
  };
  const later = createLater(clock, look);

  return {
    forget,
    look,
    lookSoon(line, bytes) {
      if (waiting.has(line)) look(line);
      else later.add(line, bytes);
    },
  };
}

/** Delayed checks. Limits can be exceeded by at most `soon.bytes`, for `soon.afterMs`. */
function createLater<T>(clock: Clock, look: (line: T) => void) {
  const lines = new Set<T>();
  let sum = 0;
  let timer: Timer | undefined;
  const lookAtAll = () => {
    timer?.cancel();
    timer = undefined;
    sum = 0;
    const due = [...lines];
    lines.clear();
    due.forEach(look);
  };
  return {
    drop: (line: T) => void lines.delete(line),
    add(line: T, bytes: number) {
      lines.add(line);
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
    /** If all together are over the limit. */
    heaviestGroup: () => (groups.total > total ? groups.heaviest() : undefined),
  };
}
