// The stage's part of Kubernetes: nodes, pods and their status, definitions, and kubeconfigs of ServiceAccounts.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { parse } from 'yaml';
import * as names from './names.ts';
import { pathOf, readManifests, type KubeObject } from './objects.ts';
import { inDeploy } from './places.ts';
import { untilObject } from './until.ts';

const servedWithinMs = 60_000;

export interface PodSpec {
  readonly name: string;
  readonly namespace?: string;
  readonly node: number;
  /** The value of aadpodidbinding; undefined: no such label. */
  readonly label?: string;
  /** status.startTime; absent by default. */
  readonly startedAt?: Date;
  /** From a manifest: everything except the node. */
  readonly object?: KubeObject;
  /** Default: that of the manifest, else `default`, as the admission plugin ServiceAccount does, which not every server here has. */
  readonly serviceAccount?: string;
  /** Who creates it. Default: the administrator. */
  readonly by?: KubeTransport;
}

export function nodeObject(node: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: names.nodeName(node) },
    spec: { providerID: names.providerId(node) },
  };
}

export function podObject(pod: PodSpec): KubeObject {
  const { name, namespace = 'default', node, label, object, serviceAccount } = pod;
  const account = serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount };
  const labels = {
    ...object?.metadata.labels,
    ...(label === undefined ? {} : { [names.bindingLabel]: label }),
  };
  const spec = object?.['spec'] ?? { containers: [{ name: 'app', image: 'local.test/app:1' }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { serviceAccountName: 'default', ...spec, ...account, nodeName: names.nodeName(node) },
  };
}

export async function setPodStatus(kube: KubeTransport, pod: KubeObject, status: object): Promise<void> {
  const { apiVersion, kind, metadata } = pod;
  await kube.request({
    method: 'PATCH',
    path: `${pathOf({ apiVersion, kind, namespace: metadata.namespace ?? 'default', name: metadata.name })}/status`,
    body: { status },
    contentType: 'application/merge-patch+json',
  });
}

/** Resolves when the API server serves the kinds of deploy/crds. */
export async function established(kube: KubeTransport): Promise<void> {
  const isEstablished = (crd: KubeObject) => {
    const { conditions = [] } = (crd['status'] ?? {}) as { conditions?: { type: string; status: string }[] };
    return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  };
  const path = pathOf({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' });
  for (const { metadata, spec } of await readManifests(inDeploy('crds'))) {
    await untilObject(kube, {
      path,
      fits: (crd) => crd.metadata.name === metadata.name && isEstablished(crd),
    });
    const { group, names, versions } = spec as Definition;
    for (const { name } of versions) {
      const served = `/apis/${group}/${name}/${names.plural}`;
      await onceServed(served, () => kube.request({ method: 'GET', path: served, query: { limit: '1' } }));
    }
  }
}

interface Definition {
  readonly group: string;
  readonly names: { readonly plural: string };
  readonly versions: readonly { readonly name: string }[];
}

/**
 * Retries while the call fails with 404 or 5xx: a real server serves a kind a moment after its condition Established, and v1.20 may
 * answer the first list with 500 "unexpected EOF".
 */
export async function onceServed(what: string, call: () => Promise<unknown>): Promise<void> {
  const endsAt = performance.now() + servedWithinMs;
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof KubeError && (error.code === 'not-found' || error.code === 'unavailable')))
        throw error;
      if (performance.now() > endsAt)
        throw new Error(`${what} was not served within ${servedWithinMs} ms`, { cause: error });
    }
    await pause(50);
  }
}

/** A kubeconfig with exactly the rights of this ServiceAccount in the manifests. */
export async function serviceAccountKubeconfig(of: {
  kube: KubeTransport;
  kubeconfig: string;
  account: string;
  /** Default: the one of MIC and NMI. */
  namespace?: string;
  folder: string;
  /** Default: that of the kubeconfig. */
  server?: string | undefined;
}): Promise<string> {
  const { namespace = names.systemNamespace } = of;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${of.account}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [], expirationSeconds: 3600 },
  };
  const answer = (await of.kube.request({ method: 'POST', path, body: request })) as {
    status: { token: string };
  };
  const admin = parse(await readFile(of.kubeconfig, 'utf8')) as { clusters: { name: string }[] };
  const cluster = admin.clusters[0]?.name ?? '';
  const { server } = of;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: server === undefined ? admin.clusters : [{ name: cluster, cluster: { server } }],
    users: [{ name: of.account, user: { token: answer.status.token } }],
    contexts: [{ name: of.account, context: { cluster, user: of.account } }],
    'current-context': of.account,
  };
  const file = join(of.folder, `${of.account}.kubeconfig`);
  await writeFile(file, JSON.stringify(config));
  return file;
}
