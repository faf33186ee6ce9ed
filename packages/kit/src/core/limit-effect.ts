/**
 * `refused`: a request was refused with 429 and its connection closed. `turned-away`: a new connection was closed. `evicted`: an idle
 * connection was closed to make room for another caller. `pipelined`: a connection was closed because it had too many unanswered requests.
 * `unread`: a connection was closed because its responses were not read.
 */
export const limitEffects = ['refused', 'turned-away', 'evicted', 'pipelined', 'unread'] as const;
export type LimitEffect = (typeof limitEffects)[number];
