// What is made of the mutants of a room: its score, and those that live.
import type { Cause } from './notes.ts';

/** A mutant: in which place, what stands there and what in its stead. */
export interface Site {
  readonly id: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly line: number;
  /** The whole line in which it begins, without the space around. */
  readonly inLine: string;
  readonly original: string;
  readonly replacement: string;
}

export type Outcome = Cause | 'lives' | 'unreached';

/** A mutant that no test can kill, since the program behaves the same with it. */
export interface Equivalent {
  readonly file: string;
  readonly inLine: string;
  readonly original: string;
  readonly replacement: string;
  /** Which of those in the file that are alike in all this, from 1 on, which is left out. */
  readonly nth?: number;
  readonly reason: string;
}

export interface Living extends Site {
  readonly outcome: Outcome;
}

export interface Verdict {
  /** Killed among those that tests could kill, in percent; and with the mutants left out that only a guard or limit of time ended. */
  readonly score: number;
  readonly strictScore: number;
  readonly mutants: number;
  readonly killed: number;
  /** Of the killed: those that ran in circles or too long, the latter of which a busy machine can cause as well. */
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
  /** Ids of the sites that the list names. */
  readonly ids: ReadonlySet<string>;
  /** Entries for these files that name no site any more. */
  readonly stale: readonly Equivalent[];
}

/** An entry names one site, wherever its line moves to. */
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

/** Each site with the text by which an entry of the list names it. */
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
