// Reviews rights on identities while this process leads: reviews the pairs of the index, and plans pods again whose rights have
// changed.
import { createAccessReviewer, type KubeAmbient } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import { reviewPairs } from '../access/pair-reviewer.ts';
import { PairRegistry, pairsPerNamespace } from '../access/pair-registry.ts';
import { createProof } from '../access/proof.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import type { MicConfig } from '../config/config.ts';
import type { Rights, TermParts } from './parts.ts';

const asInOriginal: MicConfig['access'] = { mode: 'namespace', recheckMs: 300_000 };

export function createRights(
  { mode, recheckMs }: MicConfig['access'] = asInOriginal,
  options: KubeAmbient,
): Rights {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace, recheckMs });
  const proof = createProof({ ...options, reviewer: createAccessReviewer(options.transport) });
  // In mode `namespace` reviews begin only if the annotation of a Namespace requests them.
  if (mode !== 'namespace') void proof.proven();
  return { mode, registry, proof };
}

export type TermRights = ReturnType<typeof createTermRights>;

export function createTermRights(parts: TermParts) {
  const { rights, transport, index, metrics } = parts;
  const listeners = new Set<() => void>();
  return {
    /** Called when the rights of pods may have changed. Returns a function that removes the listener. */
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Resolves when the term is over and no review is in progress. */
    run: () =>
      reviewPairs<AccessGroup>({
        ...parts,
        registry: rights.registry,
        // Fenced by the lease: only the leader reviews.
        reviewer: createAccessReviewer(transport),
        proven: () => rights.proof.proven(),
        onReview: (result) => metrics.count('accessReviews', { result }),
        onChanged(groups) {
          index.rightsChanged(groups);
          for (const listener of listeners) listener();
        },
      }),
  };
}

export function showRights({ mode, registry }: Rights, metrics: Metrics<MicMetricSpecs>): void {
  metrics.set('accessMode', 1, { mode });
  const census = registry.census();
  for (const verdict of ['allowed', 'denied', 'unknown'] as const)
    metrics.set('accessPairs', census[verdict], { verdict });
  metrics.set('accessLeftOut', registry.waiting());
}
