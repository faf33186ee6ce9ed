// The watches of NMI's pods and of its canary's. Like cluster-watch.ts, it only reads from the API server.
import { coreKinds, createInformer, type KubeAmbient } from '@pod-identity/kit/kube';
import type { AgentView } from '../views.ts';
import { agentPod, type DaemonSetName } from '../startup-views.ts';

export interface AgentWatchOptions extends KubeAmbient {
  readonly daemonSet: DaemonSetName;
  /** Which of its pods the API server sends; default: all of the namespace. */
  readonly labelSelector?: string;
}

export interface AgentWatch {
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether all pods were listed once. */
  hasSynced(): boolean;
  all(): Iterable<AgentView>;
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
    hasSynced: () => informer.hasSynced(),
    all: () => informer.store.values(),
    on: (node) => informer.store.by('node', node),
    onChange: (listener) =>
      informer.onChange((change) => {
        listener((change.type === 'deleted' ? change.before : change.after).nodeName);
      }),
  };
}

/** The pods on nodes that are watched by MIC besides those with identities. */
export interface NodePods {
  readonly agents: AgentWatch | undefined;
  readonly canaries: AgentWatch | undefined;
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Undefined names are not watched. */
export function watchNodePods(
  names: Readonly<Record<'agents' | 'canaries', DaemonSetName | undefined>>,
  options: Omit<AgentWatchOptions, 'daemonSet'>,
): NodePods {
  const agents = names.agents && createAgentWatch({ ...options, daemonSet: names.agents });
  const canaries =
    names.canaries &&
    createAgentWatch({ ...options, daemonSet: names.canaries, labelSelector: canarySelector });
  return {
    agents,
    canaries,
    run: async (signal) => {
      await Promise.all([agents?.run(signal), canaries?.run(signal)]);
    },
  };
}

/** Only spares the API server other pods: labels do not make a canary. */
const canarySelector = 'component=nmi-canary';
