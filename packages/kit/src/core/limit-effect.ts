/**
 * `paused`: a caller is not read for a while. `refused`: a request was answered 429 and its connection closed.
 * `turned-away`: a connection was closed as it came. `evicted`: an idle one was closed to make room for another caller.
 */
export const limitEffects = ['paused', 'refused', 'turned-away', 'evicted'] as const;
export type LimitEffect = (typeof limitEffects)[number];
