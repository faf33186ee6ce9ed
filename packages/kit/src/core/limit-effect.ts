/**
 * `paused`: a caller is not read for a while. `refused`: a request was refused with 429 and its connection closed.
 * `turned-away`: a connection was closed as it came. `evicted`: an idle one was closed to make room for another caller.
 * `pipelined`: one was closed because it sent a request with too many unanswered ones before it. `unread`: one was closed because
 * answers on it were not read.
 */
export const limitEffects = ['paused', 'refused', 'turned-away', 'evicted', 'pipelined', 'unread'] as const;
export type LimitEffect = (typeof limitEffects)[number];
