import { namespaceFields, readNamespaceView, type NamespaceView } from '@pod-identity/crd-types';
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import {
  coreKinds,
  createInformer,
  tooLargeIn,
  type Informer,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';

export interface NamespaceInformerOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly pageSize: number;
}

/** After a refusal, before the API server is asked again. Short at first: at an installation, rights can come a moment after NMI. */
const refusedPauses = { baseMs: 4_000, capMs: 5 * 60_000 };

/**
 * Watches Namespaces. The original's roles don't allow that, so NMI works without: then no annotation and no label of a Namespace
 * counts. Rights that were removed later leave what was known last.
 */
export function createNamespaceInformer(options: NamespaceInformerOptions): Informer<NamespaceView> {
  const { transport, clock, random, log, pageSize } = options;
  let attempt = new AbortController();
  let refusedAt: number | undefined;
  const informer: Informer<NamespaceView> = createInformer({
    transport,
    clock,
    random,
    pageSize,
    kind: coreKinds.namespaces,
    fields: namespaceFields,
    isPerNode: true,
    trim: (object) => readNamespaceView(object, tooLargeIn(object)),
    onProblem: ({ code }) => {
      if (code !== 'denied') return;
      if (!isRefused()) log.warn({}, refused);
      refusedAt = clock.elapsed();
      attempt.abort();
    },
  });
  /** Nothing was heard since. */
  const isRefused = () => refusedAt !== undefined && informer.lastHeardMs() >= clock.elapsed() - refusedAt;
  informer.onChange((change) => {
    const problem = change.type === 'deleted' ? undefined : change.after.problem;
    const before = change.type === 'updated' ? change.before.problem : undefined;
    if (problem !== undefined && problem !== before) log.warn({ namespace: change.key }, problem);
  });

  return {
    ...informer,
    hasSynced: () => isRefused() || informer.hasSynced(),
    lastHeardMs: () => (isRefused() ? 0 : informer.lastHeardMs()),
    async run(signal) {
      const pauses = createBackoff({ ...refusedPauses, random });
      while (!signal.aborted) {
        attempt = new AbortController();
        await informer.run(AbortSignal.any([signal, attempt.signal]));
        await clock.sleep(pauses.next(), signal).catch(() => undefined);
      }
    },
  };
}

const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of NMI (deploy/rbac/nmi.yaml); asked again every five minutes at least';
