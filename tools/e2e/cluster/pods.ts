import type { KubeObject } from '../../stage/objects.ts';

const image = 'docker.io/aad-pod-identity/nmi:0.1.0';

/** Requests tokens from the metadata address in a loop, and prints the result of each request. */
const program = `
const url = 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';
async function ask() {
  try {
    const answer = await fetch(url, { headers: { Metadata: 'true' }, signal: AbortSignal.timeout(60_000) });
    const { client_id, error_description } = await answer.json();
    console.log('answer', answer.status, client_id ?? error_description);
  } catch (error) {
    console.log('answer', error.cause?.code ?? error.message);
  }
  setTimeout(ask, 300);
}
ask();`;

/** A pod that requests tokens; the scheduler chooses the node. */
export function askingPod(name: string, label?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...(label && { labels: { aadpodidbinding: label } }) },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'app', image, command: ['/usr/bin/node', '-e', program] }],
    },
  };
}

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
