// The score of a room, and its living mutants.
import type { Cause } from './notes.ts';

/** A mutant: its place, the original code and the replacement. */
export interface Site {
  readonly id: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly line: number;
  /** The whole line in which it begins, trimmed. */
  readonly inLine: string;
  readonly original: string;
  readonly replacement: string;
}

export type Outcome = Cause | 'lives' | 'unreached';

/** A mutant that no test can kill, because the behaviour is the same. */
export interface Equivalent {
  readonly file: string;
  readonly inLine: string;
  readonly original: string;
  readonly replacement: string;
  /** The position among equal ones in the file, from 1. Default: 1. */
  readonly nth?: number;
  readonly reason: string;
}

export interface Living extends Site {
  readonly outcome: Outcome;
}

export interface Verdict {
  /** Percent of the killable mutants that are killed; strict: without those that only a loop guard or a time limit ended. */
  readonly score: number;
  readonly strictScore: number;
  readonly mutants: number;
  readonly killed: number;
  /** Killed by the loop guard, and by the time limit, which a busy machine can exceed as well. */
  readonly looped: number;
  readonly late: number;
  /** Neither killed nor listed as equivalent. */
  readonly living: readonly Living[];
  readonly equivalent: number;
  /** Listed, but a test kills it. */
  readonly refuted: readonly Site[];
}

export function judge(
  sites: readonly Site[],
  outcomes: ReadonlyMap<string, Outcome>,
  listed: ReadonlySet<string>,
): Verdict {
  const all = sites.map((site) => ({ ...site, outcome: outcomes.get(site.id) ?? 'unreached' }));
  const isAlive = ({ outcome }: Living): boolean => outcome === 'lives' || outcome === 'unreached';
  const living = all.filter((one) => isAlive(one) && !listed.has(one.id));
  const count = (cause: Cause): number => all.filter(({ outcome }) => outcome === cause).length;
  const failed = count('failure');
  const looped = count('loop');
  const late = count('time');
  const killed = failed + looped + late;
  return {
    score: percent(killed, killed + living.length),
    strictScore: percent(failed, killed + living.length),
    mutants: all.length,
    killed,
    looped,
    late,
    living,
    equivalent: all.filter((one) => isAlive(one) && listed.has(one.id)).length,
    refuted: all.filter((one) => !isAlive(one) && listed.has(one.id)),
  };
}

const percent = (part: number, whole: number): number => (whole === 0 ? 100 : (100 * part) / whole);

export interface Listed {
  /** Ids of the mutants in the list. */
  readonly ids: ReadonlySet<string>;
  /** Entries for these files without a mutant. */
  readonly stale: readonly Equivalent[];
}

/** An entry names one mutant, also after its line has moved. */
export function findListed(sites: readonly Site[], known: readonly Equivalent[]): Listed {
  const files = new Set(sites.map(({ file }) => file));
  const ids = new Map(numbered(sites).map(({ key, id }) => [key, id]));
  const asked = known
    .filter(({ file }) => files.has(file))
    .map((entry) => ({ entry, id: ids.get(`${keyOf(entry)} ${entry.nth ?? 1}`) }));
  const isStale = ({ id }: (typeof asked)[number], i: number): boolean =>
    id === undefined || asked.findIndex((one) => one.id === id) < i;
  return {
    ids: new Set(asked.map(({ id }) => id).filter((id) => id !== undefined)),
    stale: asked.filter(isStale).map(({ entry }) => entry),
  };
}

/** Each mutant with the key of its entry in the list. */
export function numbered(
  sites: readonly Site[],
): readonly (Site & { readonly key: string; readonly nth: number })[] {
  const seen = new Map<string, number>();
  return sites.map((site) => {
    const nth = (seen.get(keyOf(site)) ?? 0) + 1;
    seen.set(keyOf(site), nth);
    return { ...site, nth, key: `${keyOf(site)} ${nth}` };
  });
}

const keyOf = ({ file, inLine, original, replacement }: Omit<Equivalent, 'reason'>): string =>
  JSON.stringify([file, inLine, original, replacement]);
