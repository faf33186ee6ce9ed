import type { AccessMode } from '@pod-identity/crd-types';
import { aborted } from '@pod-identity/kit/core';
import { KubeError, type ResourceKind, type KubeAmbient } from '@pod-identity/kit/kube';
import { PairRegistry } from '../access/pair-registry.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup, AccessRules } from '../snapshot/index/rights.ts';
import { createClusterWatch } from '../snapshot/watch/cluster-watch.ts';

/** MIC's matching rules in this cluster. */
export interface ClusterRules {
  readonly forceNamespaced: boolean;
  readonly namespaceShareBytes?: number;
}

export interface Looking extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  readonly rules: ClusterRules;
  readonly signal: AbortSignal;
}

/** For one look, which takes all pairs if there is no limit. Annotations of Namespaces can be stricter than the mode. */
export function accessOnce(mode: AccessMode, pairsPerNamespace = Infinity): AccessRules {
  return { mode, registry: new PairRegistry<AccessGroup>({ pairsPerNamespace, recheckMs: Infinity }) };
}

/** Reads the cluster once. Throws KubeError if the signal aborts before, or at the first list that whoever asks has no right to. */
export async function lookAtCluster(
  { rules: { forceNamespaced, namespaceShareBytes }, transport, clock, log, signal }: Looking,
  access: AccessRules,
): Promise<ClusterIndex> {
  const index = new ClusterIndex({ forceNamespaced }, access);
  const refused = Promise.withResolvers<never>();
  const view = createClusterWatch({
    transport,
    index,
    clock,
    random: Math.random,
    log,
    namespaceShareBytes,
    // A report that lacks namespaces would be wrong.
    startMs: Infinity,
    onUnlisted(kind, problem) {
      if (problem.code === 'denied') refused.reject(mayNotList(kind, problem));
    },
  });
  const once = new AbortController();
  const running = view.run(AbortSignal.any([signal, once.signal]));
  try {
    await Promise.race([view.synced, aborted(signal), refused.promise]);
  } finally {
    once.abort();
  }
  if (signal.aborted) throw new KubeError('unavailable', 'not all objects could be read');
  await running;
  return index.settle();
}

export function mayNotList({ plural, group }: ResourceKind, cause: KubeError): KubeError {
  const resource = group === '' ? plural : `${plural}.${group}`;
  const message = `whoever asks may not list ${resource} at the cluster scope: ${cause.message}`;
  return new KubeError('denied', message, { cause });
}
