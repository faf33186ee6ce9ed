// Room: the rules that must hold during a run and after it, over its history.
// It must not do I/O, or know the plan of the run.
import { judgeFencing } from './fencing.ts';
import type { History, Violation } from './history.ts';
import { judgeHosts } from './hosts.ts';
import { judgeLimits } from './limits.ts';
import { judgeTokens } from './tokens.ts';

export function judge(history: History): Violation[] {
  return [
    ...judgeTokens(history),
    ...judgeFencing(history),
    ...judgeHosts(history).violations,
    ...judgeLimits(history),
  ].sort((a, b) => a.at - b.at);
}

/** What was done before a violation, as a hint at its cause. */
export function notesBefore(history: History, { at }: Violation, count: number): readonly string[] {
  return history.notes
    .filter((note) => note.at <= at)
    .slice(-count)
    .map((note) => `${note.at - at} ms: ${note.what}`);
}
