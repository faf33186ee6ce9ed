// The watch of NMI's pods. Like cluster-watch.ts, it only reads from the API server.
import { coreKinds, createInformer, type KubeAmbient } from '@pod-identity/kit/kube';
import type { AgentView } from '../views.ts';
import { agentPod, type DaemonSetName } from '../startup-views.ts';

interface AgentWatchOptions extends KubeAmbient {
  readonly daemonSet: DaemonSetName;
}

export type AgentWatch = ReturnType<typeof createAgentWatch>;

export function createAgentWatch({ daemonSet, log, ...options }: AgentWatchOptions) {
  const informer = createInformer<AgentView>({
    ...options,
    kind: coreKinds.pods,
    namespace: daemonSet.namespace,
    trim: (raw) => agentPod(raw, daemonSet),
    indexes: { node: ({ nodeName }) => [nodeName] },
    log: log.child({ watch: `pods of ${daemonSet.name}` }),
  });
  return {
    /** Lists and watches until the signal aborts. */
    run: (signal: AbortSignal) => informer.run(signal),
    on: (node: string): readonly AgentView[] => informer.store.by('node', node),
    /** Calls the listener with the name of the node whose agent has changed. Returns a function that removes it. */
    onChange: (listener: (node: string) => void) =>
      informer.onChange((change) => {
        listener((change.type === 'deleted' ? change.before : change.after).nodeName);
      }),
  };
}
