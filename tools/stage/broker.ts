// What the broker of a stage needs of Kubernetes: pods of its ServiceAccount and of NMI's, and tokens that are bound to them.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { setPodStatus } from './cluster.ts';
import * as names from './names.ts';
import { readManifests, type KubeObject } from './objects.ts';
import { inDeploy } from './places.ts';

export const brokerNamespace = 'aad-pod-identity-broker';
export const brokerSubject = `system:serviceaccount:${brokerNamespace}:broker`;
export const audience = { ofBroker: 'aad-pod-identity-broker', ofEntra: 'api://AzureADTokenExchange' };

/** Namespace, roles and ConfigMap of the broker. */
export const brokerParts: readonly string[] = ['namespace', 'rbac', 'replicas'].map(
  (part) => `components/broker/parts/${part}.yaml`,
);

export interface TokenSpec {
  /** As NAMESPACE/NAME. */
  readonly account: string;
  /** Default: that of the broker. */
  readonly audience?: string;
  /** To which the API server binds it. Default: to none. */
  readonly pod?: KubeObject;
  readonly lifetimeSeconds?: number;
}

export async function requestToken(kube: KubeTransport, spec: TokenSpec): Promise<string> {
  const { account, audience: given = audience.ofBroker, pod, lifetimeSeconds = 600 } = spec;
  const [namespace = '', name = ''] = account.split('/');
  const boundObjectRef = pod && {
    apiVersion: 'v1',
    kind: 'Pod',
    name: pod.metadata.name,
    uid: pod.metadata.uid,
  };
  const response = await kube.request({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: [given],
        expirationSeconds: lifetimeSeconds,
        ...(boundObjectRef && { boundObjectRef }),
      },
    },
  });
  return (response as { readonly status: { readonly token: string } }).status.token;
}

interface SystemPod {
  readonly name: string;
  readonly account: string;
  /** Default: that of MIC and NMI. */
  readonly namespace?: string;
  readonly node: number;
  /** Of the manifest. Default: one container. */
  readonly spec?: object;
}

interface Creates {
  readonly kube: KubeTransport;
  create(object: KubeObject): Promise<KubeObject>;
}

/** A pod without an address of its own, as NMI's. */
export async function runSystemPod(
  stage: Creates,
  { name, account, namespace = names.systemNamespace, node, spec }: SystemPod,
): Promise<KubeObject> {
  const created = await stage.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      serviceAccountName: account,
      containers: [{ name: 'main', image: 'local.test/nmi:1' }],
      ...spec,
      nodeName: names.nodeName(node),
    },
  });
  await setPodStatus(stage.kube, created, { phase: 'Running' });
  return created;
}

/** With the containers of the broker's manifest, which its namespace accepts. */
export async function runBrokerPod(stage: Creates, name: string): Promise<KubeObject> {
  const [deployment] = await readManifests(inDeploy('components/broker/parts/deployment.yaml'));
  const { spec } = (deployment?.['spec'] as { readonly template: { readonly spec: object } }).template;
  return runSystemPod(stage, { name, account: 'broker', namespace: brokerNamespace, node: 0, spec });
}

/** Below the range from which the kernel takes ports of outgoing connections, so that none gets it before the broker listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer().listen(port);
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
