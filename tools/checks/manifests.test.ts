import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy, rolesInDeploy } from '../stage/places.ts';
import { containersOf, podSpecOf, type Container } from './workloads.ts';

const rendered = (await readdir(inDeploy('infra'), { recursive: true }))
  .filter((path) => path.endsWith('.yaml'))
  .map((path) => `infra/${path}`)
  .sort();
const files = [...rendered, 'overlays/uninstall/daemonset.yaml'];
const manifests = new Map(
  await Promise.all(files.map(async (file) => [file, await readManifests(inDeploy(file))] as const)),
);
const workloadsOf = (file: string) => (manifests.get(file) ?? []).filter((object) => podSpecOf(object));

const longRunning = new Set(['mic', 'nmi']);
const capabilities: Readonly<Record<string, readonly string[]>> = {
  mic: [],
  'install-redirect': ['NET_ADMIN', 'NET_RAW'],
  nmi: ['NET_ADMIN', 'NET_RAW', 'SETUID'],
  'uninstall-redirect': ['NET_ADMIN', 'NET_RAW'],
  done: [],
};
/** What a pod may see of its node. */
const hostPaths: Readonly<Record<string, readonly string[]>> = {
  mic: ['/etc/kubernetes/azure.json'],
  nmi: ['/proc/sys/net', '/sys/fs/cgroup'],
  'nmi-uninstall': ['/etc', '/proc/sys/net'],
};
const versionOf = (name: string): string =>
  (
    JSON.parse(readFileSync(new URL(`../../packages/${name}/package.json`, import.meta.url), 'utf8')) as {
      version: string;
    }
  ).version;

test('the files are those of the article and of the original, each also in the modes of permissions', () => {
  expect(rendered).toEqual([
    'infra/deployment-rbac.yaml',
    'infra/deployment.yaml',
    'infra/identity-access-rbac/deployment-rbac.yaml',
    'infra/identity-access-rbac/managed-mode-deployment.yaml',
    'infra/identity-access-rbac/mic-exception.yaml',
    'infra/identity-access-rbac/noazurejson/deployment-rbac.yaml',
    'infra/identity-access-warn/deployment-rbac.yaml',
    'infra/identity-access-warn/managed-mode-deployment.yaml',
    'infra/identity-access-warn/noazurejson/deployment-rbac.yaml',
    'infra/managed-mode-deployment.yaml',
    'infra/mic-exception.yaml',
    'infra/noazurejson/deployment-rbac.yaml',
    'infra/noazurejson/deployment.yaml',
  ]);
});

describe.each(files.filter((file) => workloadsOf(file).length > 0))('deploy/%s', (file) => {
  const workloads = workloadsOf(file);
  const pods = workloads.map((object) => ({ name: object.metadata.name, spec: podSpecOf(object)! }));
  const containers = pods.flatMap(({ spec }) => containersOf(spec));
  const each = (of: (container: Container) => unknown) =>
    Object.fromEntries(containers.map((container) => [container.name, of(container)]));

  test('no container is privileged, can escalate privileges, or can write to its root', () => {
    for (const { securityContext } of containers) {
      expect(securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      expect(securityContext).not.toHaveProperty('privileged');
    }
    for (const { spec } of pods)
      expect(spec.securityContext).toEqual({ seccompProfile: { type: 'RuntimeDefault' } });
  });

  test('containers have capabilities only for the firewall rules and the uid of the listening socket', () => {
    const added = each(({ securityContext }) => securityContext?.capabilities?.add ?? []);
    expect(capabilities).toMatchObject(added);
  });

  test('only what needs a file of root or the firewall runs as root', () => {
    for (const { name, securityContext, args = [] } of containers) {
      const isRoot = !['mic', 'done'].includes(name) || args.some((arg) => arg.startsWith('--cloudconfig='));
      expect({ name, ...securityContext }).toMatchObject(
        isRoot ? { runAsUser: 0 } : { runAsUser: 65532, runAsNonRoot: true },
      );
    }
  });

  test('pods see listed paths of their node, and all else in memory', () => {
    for (const { name, spec } of pods) {
      const volumes = spec.volumes ?? [];
      const paths = volumes.flatMap(({ hostPath }) => (hostPath === undefined ? [] : [hostPath.path]));
      expect(hostPaths[name]).toEqual(expect.arrayContaining(paths));
      expect(paths).toHaveLength(volumes.length);
    }
  });

  test('no DaemonSet waits for a virtual node, which runs no pod of the host', () => {
    const daemonSets = workloads.filter(({ kind }) => kind === 'DaemonSet');
    for (const daemonSet of daemonSets)
      expect(podSpecOf(daemonSet)?.affinity?.nodeAffinity).toEqual({
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'type', operator: 'NotIn', values: ['virtual-kubelet'] }] },
          ],
        },
      });
  });

  test('images are of a registry that no name server knows and have the version of their package, and none is pulled again', () => {
    for (const { image, imagePullPolicy } of containers) {
      const [, name = ''] = /\/(mic|nmi):/.exec(image) ?? [];
      expect({ image, imagePullPolicy }).toEqual({
        // `.invalid` is reserved (RFC 2606).
        image: `your-registry.invalid/aad-pod-identity/${name}:${versionOf(name)}`,
        imagePullPolicy: 'IfNotPresent',
      });
    }
  });

  test('each container asks for memory and processor, and is limited in memory alone', () => {
    for (const { resources } of containers)
      expect(resources).toEqual({
        requests: { cpu: expect.stringMatching(/^\d+m$/), memory: expect.stringMatching(/^\d+Mi$/) },
        limits: { memory: expect.stringMatching(/^\d+Mi$/) },
      });
  });

  test('probes tell started, alive and ready apart by the file of their own pod, and by no port of the node', () => {
    for (const { args, ...container } of containers.filter(({ name }) => longRunning.has(name))) {
      const file = container.name === 'nmi' ? '/dev/termination-log' : '/dev/shm/probe';
      const isAlive = { exec: { command: ['/usr/bin/test', file, '-nt', '/proc/self'] } };
      const isReady = { exec: { command: [...isAlive.exec.command, '-a', '!', '-s', file] } };
      expect(args).toContain(`--probe-file=${file}`);
      expect(container).toMatchObject({
        startupProbe: isAlive,
        livenessProbe: isAlive,
        readinessProbe: isReady,
      });
      if (container.name === 'nmi') expect(container).not.toHaveProperty('ports');
    }
  });

  test('a pod of NMI cannot lose and win its readiness within minReadySeconds, which would stall an update for good', () => {
    for (const daemonSet of workloads.filter(({ metadata: { name } }) => name === 'nmi')) {
      const { minReadySeconds } = daemonSet['spec'] as { readonly minReadySeconds: number };
      const probe = podSpecOf(daemonSet)!.containers[0]!.readinessProbe!;
      expect((probe.periodSeconds ?? 0) * (probe.failureThreshold ?? 0)).toBeGreaterThan(minReadySeconds);
    }
  });

  test('names for which no proxy is used are set where programs run for long', () => {
    const direct = each(({ name, env = [] }) =>
      longRunning.has(name) ? env.find((variable) => variable.name === 'NO_PROXY')?.value : 'none',
    );
    for (const value of Object.values(direct)) expect(value).toMatch(/none|169\.254\.169\.254,kubernetes/);
  });

  test('pods are of the highest priorities, say whether they have a token, and end within their grace', () => {
    for (const { name, spec } of pods) {
      expect(spec.priorityClassName).toMatch(/^system-(node|cluster)-critical$/);
      expect(spec.automountServiceAccountToken).toBe(name !== 'nmi-uninstall');
      // The processes end by themselves after 25 s.
      if (name !== 'nmi-uninstall') expect(spec.terminationGracePeriodSeconds).toBe(30);
    }
  });
});

describe.each(rendered)('deploy/%s', (file) => {
  const objects = manifests.get(file) ?? [];
  const known = (kind: string) => objects.filter((object) => object.kind === kind);

  test('can be created in its order, on every version of Kubernetes from 1.20', () => {
    const order = objects.map(({ kind }) => kind);
    const firstNamespaced = objects.findIndex(({ metadata }) => metadata.namespace === 'aad-pod-identity');
    if (known('Deployment').length + known('DaemonSet').length > 0) {
      expect(order[0]).toBe('Namespace');
      expect(order.lastIndexOf('CustomResourceDefinition')).toBeLessThan(firstNamespaced);
    }
    const versions = new Set(objects.map(({ apiVersion }) => apiVersion));
    const served = ['v1', 'apps/v1', 'rbac.authorization.k8s.io/v1', 'apiextensions.k8s.io/v1'];
    expect([...versions].filter((version) => !served.includes(version))).toEqual(
      file.endsWith('mic-exception.yaml') ? ['aadpodidentity.k8s.io/v1'] : [],
    );
    for (const { spec } of known('DaemonSet') as (KubeObject & { spec: object })[])
      expect(spec).toMatchObject({ updateStrategy: { rollingUpdate: { maxUnavailable: 1 } } });
  });

  test('its roles are those that the suites on rights prove', async () => {
    const proved = (await Promise.all(rolesInDeploy.map((path) => readManifests(inDeploy(path))))).flat();
    const rulesOf = (among: readonly KubeObject[], name: string) =>
      among.find(({ kind, metadata }) => kind.endsWith('Role') && metadata.name === name)?.['rules'];
    const roles = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
    for (const { metadata, rules } of roles as (KubeObject & { rules: readonly unknown[] })[]) {
      // For users, not for our services.
      if (['pod-identity-machines', 'pod-identity-view'].includes(metadata.name)) continue;
      const expected = rulesOf(proved, metadata.name) as readonly unknown[];
      // tools/e2e/scenarios/rights-managed.e2e.test.ts proves it without the rule on AzureAssignedIdentities.
      const isManaged = file.includes('managed') && metadata.name === 'pod-identity-nmi';
      expect(rules).toEqual(isManaged ? expected.slice(0, -1) : expected);
    }
  });
});
