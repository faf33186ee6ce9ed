// The results of matching in one namespace: one for all pods that have the binding label and the selecting bindings in common. What is
// asked for after a change is computed again from nothing; pods whose result means the same as before need not be planned again.
import type { MatchedIdentity, MatchSet } from './match-set.ts';

/** Stands for the label of pods without one: no label has this value. */
export const noLabel = ' ';

/** Limit for one namespace, since its editors can create any number. A result counts once, and once for each match. */
const mostResults = 50_000;

interface Result {
  readonly set: MatchSet;
  readonly at: number;
}

interface OfLabel {
  changedAt: number;
  /** By the names of the bindings that select the pod. */
  readonly variants: Map<string, Result>;
}

export class Results {
  readonly #labels = new Map<string, OfLabel>();
  #weight = 0;
  #changedAt = 0;
  /** Number of changes so far. */
  #now = 0;
  /** The number of changes before the oldest result that is kept. */
  #cleanAt = 0;

  /** To be called when results of all pods may have changed. */
  allChanged(): void {
    this.#changedAt = this.#now += 1;
  }

  /** To be called when results of pods with this label may have changed. */
  labelChanged(label: string): void {
    const ofLabel = this.#labels.get(label);
    if (ofLabel) ofLabel.changedAt = this.#now += 1;
  }

  /** To be called when no pod has the label any more. */
  forgetLabel(label: string): void {
    for (const { set } of this.#labels.get(label)?.variants.values() ?? []) this.#weight -= weightOf(set);
    this.#labels.delete(label);
  }

  /** To be called when no pod waits to be evaluated: results from before a change are of no more use. */
  forgetOutdated(): void {
    if (this.#cleanAt === this.#now) return;
    this.#cleanAt = this.#now;
    for (const { changedAt, variants } of this.#labels.values())
      for (const [variant, { set, at }] of variants)
        if (at < Math.max(changedAt, this.#changedAt)) {
          this.#weight -= weightOf(set);
          variants.delete(variant);
        }
  }

  /** The result, unless a change came after it. */
  get(label: string, variant: string): MatchSet | undefined {
    const ofLabel = this.#labels.get(label);
    const known = ofLabel?.variants.get(variant);
    return ofLabel && known && known.at >= Math.max(ofLabel.changedAt, this.#changedAt)
      ? known.set
      : undefined;
  }

  /** Returns the result of before if it is equal. */
  put(label: string, variant: string, made: MatchSet): MatchSet {
    const before = this.#labels.get(label)?.variants.get(variant)?.set;
    const set = before ? newerOf(before, made) : made;
    this.#weight += weightOf(set) - (before ? weightOf(before) : 0);
    if (this.#weight > mostResults) {
      this.#labels.clear();
      this.#weight = weightOf(set);
    }
    const ofLabel = this.#labels.get(label) ?? { changedAt: 0, variants: new Map<string, Result>() };
    ofLabel.variants.set(variant, { set, at: this.#now });
    this.#labels.set(label, ofLabel);
    return set;
  }
}

/** The text of the variant has a name for each binding too, of which not all match. */
function weightOf({ matches, mismatches }: MatchSet): number {
  return 1 + matches.length + mismatches.length;
}

function newerOf(before: MatchSet, made: MatchSet): MatchSet {
  if (!isSaying(before, made)) return made;
  const isEqual = before.matches.every((match, position) => match === made.matches[position]);
  return isEqual ? before : { ...made, meaningId: before.meaningId };
}

function isSaying(before: MatchSet, made: MatchSet): boolean {
  return (
    before.matches.length === made.matches.length &&
    before.mismatches.length === made.mismatches.length &&
    before.matches.every((match, position) => isSameMatch(match, made.matches[position])) &&
    before.mismatches.every(({ reason, binding, identity }, position) => {
      const other = made.mismatches[position];
      return reason === other?.reason && binding === other.binding && identity === other.identity;
    })
  );
}

/** Whether both mean the same to a pod. */
export function isSameMatch(match: MatchedIdentity, other: MatchedIdentity | undefined): boolean {
  if (match === other) return true;
  return (
    match.identityKey === other?.identityKey &&
    match.binding.metadata.name === other.binding.metadata.name &&
    match.binding.metadata.namespace === other.binding.metadata.namespace &&
    match.meaning === other.meaning
  );
}
