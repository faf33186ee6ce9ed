import type { ResourceId } from '@pod-identity/crd-types';
import { patchLimit, type IdentityStep } from './identity-patch.ts';

/**
 * The search for the steps that ARM refuses, while the others get done. ARM takes or refuses a PATCH as a whole and
 * says, but not always, which ids it dislikes. Unnamed ones are found by halving: a half that passes is done by that,
 * and the rest of the list goes out in one piece when the culprit is known. One bad id among n costs
 * 1 + ceil(log2 n) + 1 requests.
 */
export interface Search {
  /** Neither done nor refused. */
  readonly pending: readonly IdentityStep[];
  /** A part of `pending` that holds at least one bad step; empty while nothing is suspected. */
  readonly suspects: readonly IdentityStep[];
}

/** `suspected` goes on with a search that was cut short, where its ids are still among the steps. */
export function startSearch(
  steps: readonly IdentityStep[],
  suspected: ReadonlySet<ResourceId> = new Set(),
): Search {
  const suspects = steps.filter((step) => suspected.has(step.id));
  return { pending: steps, suspects: suspects.length > 1 ? suspects : [] };
}

/** What to send next; empty when nothing is left. */
export function nextBatch(search: Search): readonly IdentityStep[] {
  const { pending, suspects } = search;
  if (suspects.length > 1) return suspects.slice(0, Math.ceil(suspects.length / 2));
  return pending.slice(0, patchLimit);
}

/** How the search goes on, and the steps that are refused for good. */
export interface Verdict {
  readonly search: Search;
  readonly culprits: readonly IdentityStep[];
}

/** The batch is done. If it was half of the suspects, the culprit is in the other half. */
export function passed(search: Search, batch: readonly IdentityStep[]): Verdict {
  const pending = without(search.pending, batch);
  return settle({ pending, suspects: without(search.suspects, batch) });
}

/** The batch was refused; `named` are the ids that ARM pointed at. */
export function refused(
  search: Search,
  batch: readonly IdentityStep[],
  named: readonly ResourceId[],
): Verdict {
  const culprits = batch.filter((step) => named.includes(step.id));
  if (culprits.length > 0) return { search: startSearch(without(search.pending, culprits)), culprits };
  return settle({ pending: search.pending, suspects: batch });
}

/**
 * Dead entries that ARM trips over although nobody asked for them: they come off together with the rest. Undefined if
 * there is none, or if taking them off was what ARM refused.
 */
export function blockedBy(
  search: Search,
  blockers: readonly ResourceId[],
): { readonly search: Search } | undefined {
  const known = new Set(search.pending.map((step) => step.id));
  const removals = blockers
    .filter((id) => !known.has(id))
    .map((id): IdentityStep => ({ id, kind: 'remove' }));
  return removals.length === 0 ? undefined : { search: startSearch([...removals, ...search.pending]) };
}

/** After the host was read again: what turned out to be done leaves the search. */
export function forgetDone(search: Search, isDone: (step: IdentityStep) => boolean): Search {
  const open = (steps: readonly IdentityStep[]) => steps.filter((step) => !isDone(step));
  return { pending: open(search.pending), suspects: open(search.suspects) };
}

/** A single suspect is convicted. */
function settle(search: Search): Verdict {
  if (search.suspects.length !== 1) return { search, culprits: [] };
  return { search: startSearch(without(search.pending, search.suspects)), culprits: search.suspects };
}

function without(steps: readonly IdentityStep[], gone: readonly IdentityStep[]): readonly IdentityStep[] {
  return steps.filter((step) => !gone.includes(step));
}
