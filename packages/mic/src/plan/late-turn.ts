// Used while updates of a host fail after ARM has accepted them, without naming the identity that caused it. Chooses which namespaces the next
// update contains. Pure. An update fails for everything that the host lists, so one namespace could block all others for ever. What such
// updates added cannot be used yet; parts of it are removed until an update succeeds.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isClean } from '../snapshot/facts/strikes.ts';
import { listedUnapplied } from '../snapshot/facts/unapplied.ts';
import { standingOf, type Claimants } from './standing.ts';

/** The first failure is often transient: everything is sent once more before anything is removed. */
const failuresBorne = 2;

type NamespaceOf = (id: ResourceId) => string;

export interface LateTurn {
  /** The chosen ids that are sent now. */
  readonly kept: ReadonlySet<ResourceId>;
  /** Attached by MIC and not usable yet: the same PATCH removes them. */
  readonly withdraw: readonly ResourceId[];
  /** The only namespace that is left out: if the update succeeds, it caused the last failures. */
  readonly suspect?: string;
}

export function lateTurn(chosen: ReadonlySet<ResourceId>, facts: HostFacts, claimants: Claimants): LateTurn {
  if (facts.failed !== true) return { kept: chosen, withdraw: [] };
  const namespaceOf: NamespaceOf = (id) => standingOf(id, facts, claimants).namespace ?? '';
  const ours = listedUnapplied(facts).filter((id) => facts.ours.has(id));
  const namespacesSent =
    facts.lateFailures < failuresBorne ? undefined : namespacesToSend(chosen, ours, { facts, namespaceOf });
  const kept = namespacesSent
    ? new Set([...chosen].filter((id) => namespacesSent.has(namespaceOf(id))))
    : chosen;
  const keptNamespaces = new Set([...kept].map(namespaceOf));
  const isLeftOut = (id: ResourceId) =>
    !keptNamespaces.has(namespaceOf(id)) &&
    (namespacesSent !== undefined || !isClean(facts.strikes, namespaceOf(id)));
  const withdraw = ours.filter(isLeftOut);
  const [suspect, ...others] = new Set(withdraw.map(namespaceOf));
  const isNew = suspect !== undefined && others.length === 0 && isClean(facts.strikes, suspect);
  return { kept, withdraw, ...(isNew && { suspect }) };
}

/** The namespaces that are sent; undefined if there is only one. */
function namespacesToSend(
  chosen: ReadonlySet<ResourceId>,
  listed: readonly ResourceId[],
  { facts, namespaceOf }: { readonly facts: HostFacts; readonly namespaceOf: NamespaceOf },
): ReadonlySet<string> | undefined {
  const namespaces = [...new Set([...chosen].map(namespaceOf))].sort();
  if (namespaces.length < 2) return undefined;
  const failing = new Set(listed.map(namespaceOf));
  const others = namespaces.filter((namespace) => !failing.has(namespace));
  const step = facts.lateFailures - failuresBorne;
  // If several namespaces cause failures, only a part without them succeeds: every part gets a turn.
  if (step % 3 === 2) return new Set(partOf(namespaces, Math.floor(step / 3)));
  // Usually one namespace alone causes the failures, and the others came later.
  if (failing.size === 1 && others.length > 0) return new Set(others);
  return new Set(partOf(namespaces, step));
}

/** Halves, quarters and so on down to single items, one part for each step; then all, then from the start. */
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
