// Pods that run one command of NMI.
import type { KubeObject } from '../../stage/objects.ts';

interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly securityContext: object;
}
interface Container {
  readonly name: string;
  readonly volumeMounts: readonly { readonly name: string }[];
}

/** Runs one command of NMI to its end, with exactly the rights of a DaemonSet of the manifests. */
export function commandPod(daemonSet: KubeObject, name: string, ...args: readonly string[]): KubeObject {
  const { template } = daemonSet['spec'] as { readonly template: { readonly spec: PodSpec } };
  const { initContainers = [], containers, volumes, securityContext } = template.spec;
  const container = [...initContainers, ...containers].find((each) => args[0] === each.name);
  if (container === undefined) throw new Error(`the manifest has no container ${args[0] ?? ''}`);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      hostNetwork: true,
      restartPolicy: 'Never',
      securityContext,
      containers: [{ ...container, args, volumeMounts: withEtc(container.volumeMounts, mountOfEtc) }],
      volumes: withEtc(volumes, volumeOfEtc),
    },
  };
}

/** The volume of deploy/components/boot-guard. */
const mountOfEtc = { name: 'host-etc', mountPath: '/host/etc' };
const volumeOfEtc = { name: 'host-etc', hostPath: { path: '/etc', type: 'Directory' } };

function withEtc(list: readonly { readonly name: string }[], entry: { readonly name: string }) {
  return list.some(({ name }) => name === entry.name) ? list : [...list, entry];
}
