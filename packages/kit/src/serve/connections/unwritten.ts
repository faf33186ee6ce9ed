import type { Clock, Timer } from '../../core/clock.ts';
import { createSums } from '../../core/sums.ts';

/** A connection. */
export interface ReadingConnection<Caller> {
  readonly caller: Caller;
  /** The caller's namespace, or the caller itself. */
  group(): string;
  /** Bytes of its responses that the kernel has not taken yet. */
  unwritten(): number;
}

export interface UnwrittenOptions<T> {
  readonly clock: Clock;
  readonly close: (connection: T) => void;
}

/** Limits the memory that callers hold by not reading responses. */
export interface Unwritten<T> {
  /** Called when the unwritten bytes of a connection have changed. */
  look(connection: T): void;
  /** Called for bytes that wait for earlier responses of the connection; mostly they are written in the same turn. */
  lookSoon(connection: T, bytes: number): void;
  forget(connection: T): void;
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
export function createUnwritten<Caller, T extends ReadingConnection<Caller>>(
  options: UnwrittenOptions<T>,
): Unwritten<T> {
  const { clock, close } = options;
  const waiting = new Map<T, Waiting>();
  const { count, isOver, heaviestGroup } = createAccounts<Caller>();

  const forget = (connection: T) => {
    later.drop(connection);
    const known = waiting.get(connection);
    if (!known) return;
    known.timer.cancel();
    waiting.delete(connection);
    count(connection.caller, known, 0);
  };
  const shut = (connection: T) => {
    forget(connection);
    close(connection);
  };
  const waitFor = (connection: T): Timer => clock.after(patienceMs, () => shut(connection));
  const shutAll = (group: string) => {
    for (const [connection, known] of [...waiting]) if (known.group === group) shut(connection);
  };

  const look = (connection: T) => {
    const bytes = connection.unwritten();
    if (bytes === 0) {
      forget(connection);
      return;
    }
    const known = waiting.get(connection) ?? {
      group: connection.group(),
      bytes: 0,
      timer: waitFor(connection),
    };
    waiting.set(connection, known);
    count(connection.caller, known, bytes);
    if (isOver(connection.caller, known.group)) shut(connection);
    for (let group = heaviestGroup(); group !== undefined; group = heaviestGroup()) shutAll(group);
  };
  const later = createLater(clock, look);

  return {
    forget,
    look,
    lookSoon(connection, bytes) {
      if (waiting.has(connection)) look(connection);
      else later.add(connection, bytes);
    },
  };
}

/** Delayed checks. Limits can be exceeded by at most `soon.bytes`, for `soon.afterMs`. */
function createLater<T>(clock: Clock, look: (connection: T) => void) {
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
    drop: (connection: T) => void takers.delete(connection),
    add(connection: T, bytes: number) {
      takers.add(connection);
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
