import { readNamespaceView, type NamespaceView } from '@pod-identity/crd-types';
import {
  coreKinds,
  createOptionalInformer,
  type Change,
  type Informer,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { ClusterIndex } from '../index/cluster-index.ts';

/** Namespaces for the index. The original's roles do not allow this watch; MIC works without it. */
export function watchNamespaces({
  index,
  log,
  transport,
  clock,
  random,
}: KubeAmbient & { readonly index: ClusterIndex }): Informer<NamespaceView> {
  const informer = createOptionalInformer<NamespaceView>(
    {
      transport,
      clock,
      random,
      kind: coreKinds.namespaces,
      log: log.child({ watch: coreKinds.namespaces.plural }),
      trim: readNamespaceView,
    },
    () => log.warn({}, refused),
  );
  informer.onChange((change) => index.apply({ kind: 'namespace', key: change.key, view: note(change, log) }));
  return informer;
}

/** Logs a problem of its annotation. */
function note(change: Change<NamespaceView>, log: Log): NamespaceView | undefined {
  if (change.type === 'deleted') return undefined;
  const { name, problem } = change.after;
  if (problem !== undefined) log.warn({ namespace: name }, problem);
  return change.after;
}

const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of MIC (deploy/base/mic/rbac.yaml); asked again every five minutes at least';
