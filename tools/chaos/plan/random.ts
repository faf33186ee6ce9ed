// Random numbers from a seed: the same on every machine.
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number from 0, less than `below`. */
  below(below: number): number;
  /** A whole number, both ends included. */
  between(from: number, to: number): number;
  /** Throws for an empty list. */
  pick<T>(list: readonly T[]): T;
  shuffle<T>(list: readonly T[]): T[];
}

/** Mulberry32: 32 bits of state, enough for a plan of some hundred steps. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    between: (from, to) => from + below(to - from + 1),
    pick: (list) => {
      const found = list[below(list.length)];
      if (found === undefined) throw new RangeError('there is nothing to pick from');
      return found;
    },
    shuffle: (list) => {
      const left = [...list];
      for (let end = left.length - 1; end > 0; end -= 1) {
        const other = below(end + 1);
        [left[end], left[other]] = [left[other] as (typeof left)[number], left[end] as (typeof left)[number]];
      }
      return left;
    },
  };
}
