import type { KubeObject } from '../../stage/objects.ts';

const image = 'docker.io/aad-pod-identity/nmi:0.1.0';

/** Asks the metadata address for a token again and again, and prints how each attempt ended. */
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

/** A pod that asks for tokens; the scheduler says where it runs. */
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

/** Runs one of the agent's commands on the node, as its administrator would. */
export function commandPod(name: string, ...args: readonly string[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      hostNetwork: true,
      restartPolicy: 'Never',
      containers: [
        {
          ...{ name: 'nmi', image, args, securityContext: { privileged: true } },
          volumeMounts: [{ name: 'host-etc', mountPath: '/host/etc' }],
        },
      ],
      volumes: [{ name: 'host-etc', hostPath: { path: '/etc', type: 'Directory' } }],
    },
  };
}
