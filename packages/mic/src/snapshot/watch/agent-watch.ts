// The watch of NMI's pods. Like cluster-watch.ts, it only reads from the API server.
import { coreKinds, createInformer, type KubeAmbient } from '@pod-identity/kit/kube';
import type { AgentView } from '../views.ts';
import { agentPod, type DaemonSetName } from '../startup-views.ts';

export interface AgentWatchOptions extends KubeAmbient {
  readonly daemonSet: DaemonSetName;
}

export interface AgentWatch {
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  on(node: string): readonly AgentView[];
  /** Calls the listener with the name of the node whose agent has changed. Returns a function that removes it. */
  onChange(listener: (node: string) => void): () => void;
}

export function createAgentWatch({ daemonSet, log, ...options }: AgentWatchOptions): AgentWatch {
  const informer = createInformer<AgentView>({
    ...options,
    kind: coreKinds.pods,
    namespace: daemonSet.namespace,
    trim: (raw) => agentPod(raw, daemonSet),
    indexes: { node: ({ nodeName }) => [nodeName] },
    log: log.child({ watch: `pods of ${daemonSet.name}` }),
  });
  return {
    run: (signal) => informer.run(signal),
    on: (node) => informer.store.by('node', node),
    onChange: (listener) =>
      informer.onChange((change) => {
        listener((change.type === 'deleted' ? change.before : change.after).nodeName);
      }),
  };
}
