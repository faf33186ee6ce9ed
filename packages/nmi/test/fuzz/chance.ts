/** Chance that can be had again: the same seed gives the same draws. */
export interface Chance {
  /** A whole number from 0 to below the limit. */
  below(limit: number): number;
  one<T>(choices: readonly T[]): T;
  /** True once in so many times. */
  once(inTimes: number): boolean;
}

/** Of `POD_IDENTITY_FUZZ_SEED`, so that a failure can be played again, or other inputs tried; else always the same. */
export const seed = Number(process.env['POD_IDENTITY_FUZZ_SEED'] ?? 20_181_121);

/** Mulberry32: small, fast, and good enough to spread. */
export function createChance(from: number): Chance {
  let state = from >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    one: (choices) => choices[below(choices.length)]!,
    once: (inTimes) => below(inTimes) === 0,
  };
}
