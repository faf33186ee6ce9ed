// A client's reaction to a response: as measured, and as a cell of behaviour.json.
import type { Again, FixedStatus } from './fixed-responses.ts';

/** One call of a program; all its requests get the same status. */
export interface Measured {
  /** Seconds between a request, which gets its response at once, and the next one. */
  readonly gaps: readonly number[];
  /** In seconds. */
  readonly retryAfter: number | undefined;
  /** A chain of credentials went on to the next one. */
  readonly goesOn: boolean;
  /** The user sees NMI's reason, or got a token elsewhere. */
  readonly showsReason: boolean;
}

/** A claim about a client that holds for all random pauses. */
export interface Behaviour {
  readonly requests: number;
  /** The shortest pause in seconds: the client waits for Retry-After. */
  readonly every?: number;
  /** Seconds from the first response to the last request by the client's own schedule, approximately. */
  readonly over?: number;
  readonly goesOn?: true;
  readonly hidesReason?: true;
}

/** Pauses longer than Retry-After by this factor are the client's own schedule. */
const looseness = 1.6;

export function behaviourOf({ gaps, retryAfter, goesOn, showsReason }: Measured): Behaviour {
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  const waits = retryAfter !== undefined && gaps.every((gap) => isAfter(gap, retryAfter));
  const isTold = waits && gaps.every((gap) => gap < retryAfter * looseness);
  const pauses = isTold ? { every: retryAfter } : { over: Math.max(1, Math.round(total)) };
  return {
    requests: gaps.length + 1,
    ...(gaps.length > 0 && pauses),
    ...(goesOn && { goesOn: true as const }),
    ...(!showsReason && { hidesReason: true as const }),
  };
}

/** Timers of some clients fire a few milliseconds early. */
const isAfter = (gap: number, seconds: number) => gap > seconds - 0.1;

/** How the measurement contradicts the claim, if it does. Pauses only have a lower limit, because a busy machine prolongs them. */
export function contradiction(claimed: Behaviour, measured: Measured): string | undefined {
  const { requests, goesOn, hidesReason } = behaviourOf(measured);
  const { gaps } = measured;
  const seen = `${cellOf(behaviourOf(measured))} (pauses of ${gaps.map((gap) => gap.toFixed(1)).join(', ')} s)`;
  const isSame =
    requests === claimed.requests && goesOn === claimed.goesOn && hidesReason === claimed.hidesReason;
  const { every, over } = claimed;
  const keeps = every === undefined || gaps.every((gap) => isAfter(gap, every));
  // Some clients choose pauses at random: the sum is at least half of the usual one.
  const lasts = over === undefined || gaps.reduce((sum, gap) => sum + gap, 0) > over / 2 - 0.5;
  return isSame && keeps && lasts ? undefined : `claimed: ${cellOf(claimed)}; measured: ${seen}`;
}

/** The approximate duration. */
export function secondsOf(behaviour: Behaviour | undefined): number {
  if (behaviour === undefined) return 0;
  const { requests, every, over = 0 } = behaviour;
  return every === undefined ? over : every * (requests - 1);
}

export function cellOf({ requests, every, over, goesOn, hidesReason }: Behaviour): string {
  const pauses = every !== undefined ? ` each ${every} s` : over !== undefined ? ` in ${over} s` : '';
  return `${requests}${pauses}${goesOn ? ', goes on' : ''}${hidesReason ? ', no reason' : ''}`;
}

const cellForm = /^(\d+)(?: each (\d+) s)?(?: in (\d+) s)?(, goes on)?(, no reason)?$/;

export function parseCell(text: string): Behaviour {
  const found = cellForm.exec(text);
  if (found === null) throw new Error(`behaviour.json: "${text}" is not a behaviour of a client`);
  const [, requests, every, over, goesOn, hidesReason] = found;
  return {
    requests: Number(requests),
    ...(every !== undefined && { every: Number(every) }),
    ...(over !== undefined && { over: Number(over) }),
    ...(goesOn !== undefined && { goesOn: true as const }),
    ...(hidesReason !== undefined && { hidesReason: true as const }),
  };
}

/** A column of behaviour.json. */
export interface Column {
  readonly title: string;
  readonly status: FixedStatus;
  readonly again: Again;
}

const chosen = ([400, 403, 404, 410, 429, 500, 502, 503, 504] as const).map((status): Column => ({
  title: String(status),
  status,
  again: 'chosen',
}));
const others = ([410, 429, 503] as const).flatMap((status): Column[] => [
  { title: `${status}, 4 s`, status, again: 'given' },
  { title: `${status}, none`, status, again: 'none' },
]);

/** NMI's response if Azure sent no Retry-After. */
export const chosenColumns: readonly Column[] = chosen;
/** With another Retry-After, or none. */
export const otherColumns: readonly Column[] = [
  { title: '404, none', status: 404, again: 'none' },
  ...others,
];
