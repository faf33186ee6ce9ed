import type { ResourceId } from '@pod-identity/crd-types';
import { patchLimit, type IdentityStep } from './identity-patch.ts';

/**
 * The search for the steps that ARM refuses, while the others get done. ARM takes or refuses a PATCH as a whole and
 * says, but not always, which ids it dislikes. Unnamed ones are found by halving: a half that passes is done by that,
 * and the rest of the list goes out in one piece when the culprit is known. One bad id among n costs
 * 1 + ceil(log2 n) + 1 requests. Where namespaces answer for the steps, halving goes by namespace and ends there: all
 * that the culprit's namespace asked for leaves the search, so that no other one waits for it to be sorted out.
 */
export interface Search {
  /** Neither done nor refused. */
  readonly pending: readonly IdentityStep[];
  /** A part of `pending` that holds at least one bad step; empty while nothing is suspected. */
  readonly suspects: readonly IdentityStep[];
  /** Only one namespace is left: the search goes on within it. */
  readonly isWithin?: boolean;
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
  if (suspects.length > 1) return firstHalf(suspects);
  return pending.slice(0, patchLimit);
}

/** How the search goes on, and the steps that are refused for good. */
export interface Verdict {
  readonly search: Search;
  readonly culprits: readonly IdentityStep[];
  /** To whom the refusal is put down; what else they asked for has left the search as well. */
  readonly blamed: readonly string[];
  /** Of what left the search: a part that holds a bad step. */
  readonly leftBehind: readonly IdentityStep[];
}

/** The batch is done. If it was half of the suspects, the culprit is in the other half. */
export function passed(search: Search, batch: readonly IdentityStep[]): Verdict {
  const pending = without(search.pending, batch);
  const suspects = without(search.suspects, batch);
  const isWithin = search.isWithin === true;
  // While its PATCHes pass, a namespace is not to be blamed again.
  const isOne = namespacesOf([...batch, ...suspects]).size === 1;
  if (isOne && suspects.length > 1) return goesOn({ pending, suspects });
  return settle({ pending, suspects, isWithin });
}

/** The batch was refused; `named` are the ids that ARM pointed at. */
export function refused(
  search: Search,
  batch: readonly IdentityStep[],
  named: readonly ResourceId[],
): Verdict {
  const culprits = batch.filter((step) => named.includes(step.id));
  const isWithin = search.isWithin === true;
  if (culprits.length > 0) return park({ ...search, pending: without(search.pending, culprits) }, culprits);
  return settle({ pending: search.pending, suspects: batch, isWithin });
}

/**
 * Dead entries that ARM refuses the batch over: they come off before anything else, also those whose removal was to follow in
 * a later batch. Undefined if there is none, or if taking them off was what ARM refused.
 */
export function blockedBy(
  { pending }: Search,
  batch: readonly IdentityStep[],
  blockers: readonly ResourceId[],
): { readonly search: Search } | undefined {
  const isLater = (step: IdentityStep) => step.kind === 'remove' && !batch.includes(step);
  const later = pending.filter((step) => blockers.includes(step.id) && isLater(step));
  const steps = withRemovals([...later, ...without(pending, later)], blockers);
  return later.length === 0 && steps.length === pending.length ? undefined : { search: startSearch(steps) };
}

/** What is in the way comes off first: no other part of the search passes while it is there. */
export function withRemovals(
  steps: readonly IdentityStep[],
  blockers: readonly ResourceId[],
): readonly IdentityStep[] {
  const known = new Set(steps.map((step) => step.id));
  const removals = blockers.filter((id) => !known.has(id));
  return [...removals.map((id): IdentityStep => ({ id, kind: 'remove' })), ...steps];
}

/** After the host was read again: what turned out to be done leaves the search. */
export function forgetDone(search: Search, isDone: (step: IdentityStep) => boolean): Search {
  const open = (steps: readonly IdentityStep[]) => steps.filter((step) => !isDone(step));
  return { pending: open(search.pending), suspects: open(search.suspects) };
}

function goesOn(search: Search): Verdict {
  return { search, culprits: [], blamed: [], leftBehind: [] };
}

/** A single suspect is convicted, and so is a single namespace. */
function settle(search: Search): Verdict {
  const { pending, suspects, isWithin } = search;
  if (suspects.length === 1) return park({ ...search, pending: without(pending, suspects) }, suspects);
  const [namespace, ...others] = namespacesOf(suspects);
  if (isWithin === true || namespace === undefined || others.length > 0) return goesOn(search);
  return { search: afresh(pending, [namespace]), culprits: [], blamed: [namespace], leftBehind: suspects };
}

function park({ pending, isWithin }: Search, culprits: readonly IdentityStep[]): Verdict {
  if (isWithin === true) return { ...goesOn(startSearch(pending)), culprits };
  const blamed = [...namespacesOf(culprits)].filter((namespace) => namespace !== undefined);
  return { search: afresh(pending, blamed), culprits, blamed, leftBehind: [] };
}

/** The one namespace that is left to be searched. */
export function onlyNamespace({ pending }: Search): string | undefined {
  const [namespace, ...others] = namespacesOf(pending);
  return others.length === 0 ? namespace : undefined;
}

/** What is left when nothing of these namespaces is tried any more. */
function afresh(pending: readonly IdentityStep[], blamed: readonly string[]): Search {
  return startSearch(
    pending.filter(({ namespace }) => namespace === undefined || !blamed.includes(namespace)),
  );
}

function firstHalf(steps: readonly IdentityStep[]): readonly IdentityStep[] {
  const namespaces = [...namespacesOf(steps)];
  if (namespaces.length === 1) return steps.slice(0, Math.ceil(steps.length / 2));
  const first = new Set(namespaces.slice(0, Math.ceil(namespaces.length / 2)));
  return steps.filter(({ namespace }) => first.has(namespace));
}

function namespacesOf(steps: readonly IdentityStep[]): ReadonlySet<string | undefined> {
  return new Set(steps.map(({ namespace }) => namespace));
}

function without(steps: readonly IdentityStep[], gone: readonly IdentityStep[]): readonly IdentityStep[] {
  return steps.filter((step) => !gone.includes(step));
}
