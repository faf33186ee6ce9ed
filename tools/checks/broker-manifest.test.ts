import { spawnSync } from 'node:child_process';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { baseWith, kustomize } from '../stage/kustomize.ts';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';

interface Volume {
  readonly name: string;
  readonly projected?: { readonly sources: readonly object[] };
}
interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly securityContext: object;
  readonly volumes: readonly Volume[];
  readonly containers: readonly [
    { readonly args: readonly string[]; readonly volumeMounts: readonly object[] },
  ];
}
const podOf = (objects: readonly KubeObject[], kind: string, name: string): PodSpec => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  return (found?.['spec'] as { template: { spec: PodSpec } }).template.spec;
};
const parts = await readManifests(inDeploy('components/broker/parts'));
const broker = podOf(parts, 'Deployment', 'broker');

const rulesOf = (name: string) =>
  parts.flatMap(({ kind, metadata, rules }) =>
    kind.endsWith('Role') && metadata.name === name ? (rules as readonly object[]) : [],
  );

describe('the broker', () => {
  test('is in a namespace of its own, which MIC has no right in', () => {
    const namespaces = parts.map(({ kind, metadata }) =>
      kind === 'Namespace' ? metadata.name : metadata.namespace,
    );
    const clusterScoped = parts.filter(({ kind }) => kind.startsWith('ClusterRole'));
    expect(new Set(namespaces)).toEqual(new Set(['aad-pod-identity-broker', undefined]));
    expect(namespaces.filter((namespace) => namespace === undefined)).toHaveLength(clusterScoped.length);
    const subjects = parts.flatMap(
      (object) => (object['subjects'] ?? []) as readonly { readonly name: string }[],
    );
    expect(new Set(subjects.map(({ name }) => name))).toEqual(new Set(['broker', 'nmi']));
  });

  test('is in the network of pods, not root, and sees nothing of its node', () => {
    expect(broker.hostNetwork).toBeUndefined();
    expect(broker.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(broker.containers).toHaveLength(1);
    expect(broker.containers[0]).toMatchObject({
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
    expect(broker.volumes.filter(({ projected }) => projected === undefined)).toEqual([]);
  });

  test('has a token for Entra besides its own for the API server', () => {
    const assertion = { path: 'assertion', audience: 'api://AzureADTokenExchange', expirationSeconds: 3600 };
    const sources = [{ serviceAccountToken: assertion }];
    expect(broker.volumes).toEqual([{ name: 'assertion', projected: { sources } }]);
    expect(broker.containers[0].args).toContain('--broker-assertion-file=/var/run/secrets/azure/assertion');
  });

  test('may do what it needs, and NMI reads its ConfigMap by name', () => {
    const replicas = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['broker-replicas'] };
    expect(rulesOf('pod-identity-broker')).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
      { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    ]);
    expect(rulesOf('broker')).toEqual([{ ...replicas, verbs: ['get', 'update'] }]);
    expect(rulesOf('nmi')).toEqual([{ ...replicas, verbs: ['list', 'watch'] }]);
  });

  test('keeps its replicas when the manifests are applied again: the ConfigMap has no data to apply', () => {
    const replicas = parts.find(({ kind }) => kind === 'ConfigMap');
    expect(Object.keys(replicas ?? {}).toSorted()).toEqual(['apiVersion', 'kind', 'metadata']);
  });
});

const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.log(`the choices of the broker are not rendered: ${missing}`);

describe.skipIf(missing !== undefined)('where it runs is a choice', () => {
  test('without which nothing is rendered', () => {
    const { status, stderr } = spawnSync('kubectl', ['kustomize', inDeploy('components/broker')], {
      encoding: 'utf8',
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain('choose-the-folder-labelled-nodes-or-the-folder-every-node-is-trusted');
  });

  test('of nodes with a label that no kubelet can give its own node', () => {
    const { nodeSelector } = podOf(baseWith('broker/labelled-nodes'), 'Deployment', 'broker');
    expect(nodeSelector).toMatchObject({ 'node-restriction.kubernetes.io/pod-identity-broker': 'true' });
    expect(podOf(kustomize('overlays/federated'), 'Deployment', 'broker').nodeSelector).toEqual(nodeSelector);
  });

  test('or of all of them; NMI is given its token in both', () => {
    const objects = baseWith('broker/every-node-is-trusted');
    expect(podOf(objects, 'Deployment', 'broker').nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' });
    const nmi = podOf(objects, 'DaemonSet', 'nmi');
    const mount = '/var/run/secrets/aad-pod-identity-broker';
    expect(nmi.containers[0].args).toEqual(
      expect.arrayContaining(['--broker=aad-pod-identity-broker', `--broker-token-file=${mount}/token`]),
    );
    expect(nmi.containers[0].volumeMounts).toContainEqual({
      name: 'broker-token',
      mountPath: mount,
      readOnly: true,
    });
    expect(nmi.volumes).toContainEqual({
      name: 'broker-token',
      projected: {
        sources: [
          {
            serviceAccountToken: {
              path: 'token',
              audience: 'aad-pod-identity-broker',
              expirationSeconds: 600,
            },
          },
        ],
      },
    });
  });
});
