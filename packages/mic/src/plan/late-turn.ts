// Which namespaces are in the next update when updates of a host fail after ARM has accepted them, and ARM does not say which
// identity they failed over. Pure. An update fails for all that the host lists: what one namespace asked for would keep the
// others from theirs for ever. What such updates have added cannot be used yet; part of it is removed again, until an update
// succeeds without it.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isClean } from '../snapshot/facts/strikes.ts';
import { listedUnapplied } from '../snapshot/facts/unapplied.ts';
import { standingOf, type Claimants } from './standing.ts';

/** The first failure is often one of the moment: all is sent again once before anything comes off. */
const failuresBorne = 2;

type NamespaceOf = (id: ResourceId) => string;

export interface LateTurn {
  /** Of the ids that were chosen: those that are sent now. */
  readonly kept: ReadonlySet<ResourceId>;
  /** Attached by MIC, and usable by nobody yet: the same PATCH removes them. */
  readonly withdraw: readonly ResourceId[];
  /** The only namespace that is left out: if the update succeeds, it is the one that the last ones failed over. */
  readonly suspect?: string;
}

export function lateTurn(chosen: ReadonlySet<ResourceId>, facts: HostFacts, claimants: Claimants): LateTurn {
  if (facts.failed !== true) return { kept: chosen, withdraw: [] };
  const namespaceOf: NamespaceOf = (id) => standingOf(id, facts, claimants).namespace ?? '';
  const ours = listedUnapplied(facts).filter((id) => facts.ours.has(id));
  const goOn = facts.lateFailures < failuresBorne ? undefined : choose(chosen, ours, { facts, namespaceOf });
  const kept = goOn ? new Set([...chosen].filter((id) => goOn.has(namespaceOf(id)))) : chosen;
  const keptNamespaces = new Set([...kept].map(namespaceOf));
  const isLeftOut = (id: ResourceId) =>
    !keptNamespaces.has(namespaceOf(id)) && (goOn !== undefined || !isClean(facts.strikes, namespaceOf(id)));
  const withdraw = ours.filter(isLeftOut);
  const [suspect, ...others] = new Set(withdraw.map(namespaceOf));
  const isNew = suspect !== undefined && others.length === 0 && isClean(facts.strikes, suspect);
  return { kept, withdraw, ...(isNew && { suspect }) };
}

/** The namespaces that are sent; undefined where there is only one. */
function choose(
  chosen: ReadonlySet<ResourceId>,
  listed: readonly ResourceId[],
  { facts, namespaceOf }: { readonly facts: HostFacts; readonly namespaceOf: NamespaceOf },
): ReadonlySet<string> | undefined {
  const namespaces = [...new Set([...chosen].map(namespaceOf))].sort();
  if (namespaces.length < 2) return undefined;
  const failing = new Set(listed.map(namespaceOf));
  const others = namespaces.filter((namespace) => !failing.has(namespace));
  const step = facts.lateFailures - failuresBorne;
  // Where several are bad, only a part that has none of them passes: each part has its turn, whatever seems likely.
  if (step % 3 === 2) return new Set(partOf(namespaces, Math.floor(step / 3)));
  // Mostly it is one alone that fails, and the others have come since.
  if (failing.size === 1 && others.length > 0) return new Set(others);
  return new Set(partOf(namespaces, step));
}

/** Halves, quarters and so on down to single ones, one part after another; then all at once, and from the beginning. */
export function partOf<T>(all: readonly T[], step: number): readonly T[] {
  const parts: (readonly T[])[] = [];
  for (let count = 2; parts.length === 0 || count < 2 * all.length; count *= 2) {
    const pieces = Math.min(count, all.length);
    for (let at = 0; at < pieces; at += 1)
      parts.push(
        all.slice(Math.floor((at * all.length) / pieces), Math.floor(((at + 1) * all.length) / pieces)),
      );
  }
  return [...parts, all][step % (parts.length + 1)] ?? all;
}
