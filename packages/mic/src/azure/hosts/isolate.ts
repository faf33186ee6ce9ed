import type { ResourceId } from '@pod-identity/crd-types';
import { patchLimit, type IdentityStep } from './identity-patch.ts';

/**
 * The search for steps that ARM refuses, while the others are executed. ARM accepts or refuses a PATCH as a whole and does not always name
 * the bad ids. Unnamed ones are found by halving: a half that passes is done, and the rest is sent at once when the bad id is known. One
 * bad id among n costs 1 + ceil(log2 n) + 1 requests. If steps belong to namespaces, halving goes by namespace and ends there: all steps
 * of the blamed namespace leave the search, so that no other one waits for it.
 */
export interface Search {
  readonly pending: readonly IdentityStep[];
  /** A part of `pending` with at least one bad step; empty without a refusal. */
  readonly suspects: readonly IdentityStep[];
  /** Only one namespace is left, and the search continues within it. */
  readonly isWithin?: boolean;
}

/** `suspected` continues an interrupted search, for ids that are still among the steps. */
export function startSearch(
  steps: readonly IdentityStep[],
  suspected: ReadonlySet<ResourceId> = new Set(),
): Search {
  const suspects = steps.filter((step) => suspected.has(step.id));
  return { pending: steps, suspects: suspects.length > 1 ? suspects : [] };
}

/** The steps to send next; empty at the end. */
export function nextBatch(search: Search): readonly IdentityStep[] {
  const { pending, suspects } = search;
  if (suspects.length > 1) return firstHalf(suspects);
  return pending.slice(0, patchLimit);
}

/** The rest of the search, and the steps that are finally refused. */
export interface SearchResult {
  readonly search: Search;
  readonly culprits: readonly IdentityStep[];
  /** The namespaces that are blamed; all their steps have left the search. */
  readonly blamed: readonly string[];
  /** The part with a bad step of the steps that left the search. */
  readonly leftBehind: readonly IdentityStep[];
}

/** After the batch passed. If it was half of the suspects, the bad step is in the other half. */
export function passed(search: Search, batch: readonly IdentityStep[]): SearchResult {
  const pending = without(search.pending, batch);
  const suspects = without(search.suspects, batch);
  const isWithin = search.isWithin === true;
  // A namespace is not blamed again while its PATCHes pass.
  const isOne = namespacesOf([...batch, ...suspects]).size === 1;
  if (isOne && suspects.length > 1) return goesOn({ pending, suspects });
  return settle({ pending, suspects, isWithin });
}

/** After the batch was refused; `named` are the ids that ARM returned. */
export function refused(
  search: Search,
  batch: readonly IdentityStep[],
  named: readonly ResourceId[],
): SearchResult {
  const culprits = batch.filter((step) => named.includes(step.id));
  const isWithin = search.isWithin === true;
  if (culprits.length > 0) return park({ ...search, pending: without(search.pending, culprits) }, culprits);
  return settle({ pending: search.pending, suspects: batch, isWithin });
}

/**
 * Dead entries because of which ARM refuses the batch: they are removed first, also those to be removed in a later batch. Undefined if
 * there is none, or if ARM refused their removal.
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

/** Removes blocking entries first: no other part of the search passes before. */
export function withRemovals(
  steps: readonly IdentityStep[],
  blockers: readonly ResourceId[],
): readonly IdentityStep[] {
  const known = new Set(steps.map((step) => step.id));
  const removals = blockers.filter((id) => !known.has(id));
  return [...removals.map((id): IdentityStep => ({ id, kind: 'remove' })), ...steps];
}

/** After the host was read again: done steps leave the search. */
export function forgetDone(search: Search, isDone: (step: IdentityStep) => boolean): Search {
  const open = (steps: readonly IdentityStep[]) => steps.filter((step) => !isDone(step));
  return { pending: open(search.pending), suspects: open(search.suspects) };
}

function goesOn(search: Search): SearchResult {
  return { search, culprits: [], blamed: [], leftBehind: [] };
}

/** A single suspect is rejected, and a single namespace is blamed. */
function settle(search: Search): SearchResult {
  const { pending, suspects, isWithin } = search;
  if (suspects.length === 1) return park({ ...search, pending: without(pending, suspects) }, suspects);
  const [namespace, ...others] = namespacesOf(suspects);
  if (isWithin === true || namespace === undefined || others.length > 0) return goesOn(search);
  return { search: afresh(pending, [namespace]), culprits: [], blamed: [namespace], leftBehind: suspects };
}

function park({ pending, isWithin }: Search, culprits: readonly IdentityStep[]): SearchResult {
  if (isWithin === true) return { ...goesOn(startSearch(pending)), culprits };
  const blamed = [...namespacesOf(culprits)].filter((namespace) => namespace !== undefined);
  return { search: afresh(pending, blamed), culprits, blamed, leftBehind: [] };
}

/** The namespace, if only one is left in the search. */
export function onlyNamespace({ pending }: Search): string | undefined {
  const [namespace, ...others] = namespacesOf(pending);
  return others.length === 0 ? namespace : undefined;
}

/** The search without the steps of these namespaces. */
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
