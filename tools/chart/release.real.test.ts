// Releases of the chart on a real API server, with helm 3 and 4: what is refused because of the cluster's state, and what stays.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, whyNoApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../stage/cleanup.ts';
import { established } from '../stage/cluster.ts';
import * as names from '../stage/names.ts';
import { applyObject, deleteObject, pathOf, readManifests, type KubeObject } from '../stage/objects.ts';
import { repository } from '../stage/places.ts';
import { printedCommand } from '../stage/printed.ts';
import { runCommand } from '../stage/run-command.ts';
import { untilNone } from '../stage/until.ts';
import { findHelm } from './helm-for-tests.ts';
import type { HelmVersion } from './helm.ts';
import { chartFolder, inChart } from './places.ts';
import { runHelm } from './run-helm.ts';

const versions: readonly HelmVersion[] = ['3.18.0', '4.2.3'];
const found = await Promise.all(versions.map((version) => findHelm(version)));
const missing = whyNoApiServer() ?? found.flatMap((helm) => (helm.kind === 'missing' ? [helm.why] : []))[0];
if (missing !== undefined) console.warn(`skipped releases of the chart on a real API server: ${missing}`);
const programs = found.map((helm, index) => ({
  version: versions[index],
  program: helm.kind === 'found' ? helm.program : '',
}));

const release = 'pod-identity';
const install = ['install', release, chartFolder, '--create-namespace'];
const upgrade = ['upgrade', release, chartFolder, '--reset-then-reuse-values'];
const nmi = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: names.systemNamespace, name: 'nmi' };
const ours = { apiVersion: 'aadpodidentity.k8s.io/v1', namespace: 'default' };
const definitions = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };

describe.skipIf(missing !== undefined)('a release on a real API server', () => {
  let kube: KubeTransport;
  let kubeconfig: string;
  let folder: string;
  const cleanup = createCleanup();

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.20' });
    if ('skipped' in server) throw new Error(server.skipped);
    cleanup.add(() => server.stop());
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-release-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    ({ kubeconfig } = server);
    kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-stage' });
    cleanup.add(() => kube.close());
    for (const role of rolesOfOriginal) await create(role);
  });
  afterAll(() => cleanup.run());

  const create = (object: KubeObject) => applyObject(kube, object);
  const isThere = async (object: Parameters<typeof pathOf>[0]) => {
    try {
      await kube.request({ method: 'GET', path: pathOf(object) });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.code === 'not-found') return false;
      throw error;
    }
  };
  const namesOf = async (kind: string) => {
    const { items } = (await kube.request({ method: 'GET', path: pathOf({ ...ours, kind }) })) as {
      readonly items: readonly KubeObject[];
    };
    return items.map(({ metadata }) => metadata.name);
  };
  const argumentsOfNmi = async () => JSON.stringify(await kube.request({ method: 'GET', path: pathOf(nmi) }));

  describe.each(programs)('with helm $version', ({ program, version = '' }) => {
    const helm = (...args: readonly string[]) => runHelm({ program, kubeconfig, folder }, args);

    test('is refused over definitions that lack fields', async () => {
      const older = (await readManifests(inChart('crds'))).map((each) => without(each, 'podSelector'));
      for (const definition of older) await create(definition);
      await established(kube);
      const refused = helm(...install);
      // Helm 4 applies definitions that exist, and stops because another client owns the fields that differ.
      const said = version.startsWith('4')
        ? ['conflict occurred while applying object', 'azureidentitybindings']
        : [
            'azureidentitybindings.aadpodidentity.k8s.io: this definition in the cluster is older than the chart',
            'lacks spec.podSelector',
            'kubectl apply --server-side --force-conflicts -f',
          ];
      for (const part of said) await expect(refused).rejects.toThrow(part);
      expect(await isThere(nmi)).toBe(false);
      for (const definition of older) await deleteObject(kube, definition);
      await untilNone(kube, {
        path: pathOf(definitions),
        fits: ({ metadata }) => metadata.name.endsWith('.aadpodidentity.k8s.io'),
      });
    });

    test('creates the definitions, and an upgrade is refused when they lack fields later', async () => {
      expect(await helm(...install)).toContain('Create an AzureIdentity and an AzureIdentityBinding');
      const [binding] = (await readManifests(inChart('crds'))).filter(({ metadata }) =>
        metadata.name.startsWith('azureidentitybindings'),
      );
      await create(without(binding!, 'serviceAccountName'));
      await expect(helm(...upgrade)).rejects.toThrow('lacks spec.serviceAccountName');
      await helm(...upgrade, '--set', 'checkCRDs=false');
      await create(binding!);
      await helm(...upgrade, '--set', 'checkCRDs=true');
    });

    test('a second release is refused, in another namespace too', async () => {
      const elsewhere = { program, kubeconfig, folder, namespace: 'elsewhere' };
      const second = runHelm(elsewhere, ['install', 'second', chartFolder, '--create-namespace']);
      await expect(second).rejects.toThrow(/ClusterRole "pod-identity-.*exists and cannot be imported/);
      expect(await isThere({ ...nmi, namespace: 'elsewhere' })).toBe(false);
    });

    test('an upgrade creates what the values name, a rollback removes it again, and what others created stays', async () => {
      await create(identity('mine'));
      const azureIdentities = JSON.stringify({ reports: valuesOfReports });
      await helm(
        ...upgrade,
        '--set',
        'nmi.logVerbosity=5',
        '--set-json',
        `azureIdentities=${azureIdentities}`,
      );
      expect(await argumentsOfNmi()).toContain('--v=5');
      expect(await namesOf('AzureIdentity')).toEqual(['mine', 'reports']);
      await helm('rollback', release, '1');
      expect(await argumentsOfNmi()).not.toContain('--v=5');
      expect(await namesOf('AzureIdentity')).toEqual(['mine']);
    });

    test('the rules stay while pods have identities', async () => {
      const assigned = { ...identity('one'), kind: 'AzureAssignedIdentity', spec: { pod: 'web' } };
      await create(assigned);
      await expect(helm(...upgrade, '--set', 'nmi.removeRules=true')).rejects.toThrow(
        'nmi.removeRules: pods still have identities',
      );
      await deleteObject(kube, assigned);
      expect(await helm(...upgrade, '--set', 'nmi.removeRules=true')).toContain(
        'rollout status daemonset/nmi-uninstall',
      );
      expect(await isThere(nmi)).toBe(false);
      expect(await isThere({ ...nmi, name: 'nmi-uninstall' })).toBe(true);
    });

    test('when it is removed, definitions, AzureIdentities and roles of the original stay, and a new release accepts them', async () => {
      await helm('uninstall', release);
      expect(await namesOf('AzureIdentity')).toEqual(['mine']);
      const uninstaller = { ...nmi, name: 'nmi-uninstall' };
      expect(await isThere(uninstaller)).toBe(false);
      await create(daemonSet('nmi-uninstall'));
      await expect(helm(...install)).rejects.toThrow('nmi-uninstall: this DaemonSet');
      await deleteObject(kube, daemonSet('nmi-uninstall'));
      await helm(...install);
      await helm('uninstall', release);
      for (const definition of await readManifests(inChart('crds'))) await deleteObject(kube, definition);
      await untilNone(kube, {
        path: pathOf(definitions),
        fits: ({ metadata }) => metadata.name.endsWith('.aadpodidentity.k8s.io'),
      });
      for (const { apiVersion, kind, metadata } of rolesOfOriginal)
        expect(await isThere({ apiVersion, kind, name: metadata.name })).toBe(true);
    });

    test('is refused over definitions of the API v1beta1, until the command of the page has run', async () => {
      for (const definition of await readManifests(inChart('crds'))) await create(ofV1beta1(definition));
      await established(kube);
      await expect(helm(...install)).rejects.toThrow(
        version.startsWith('4') ? 'default' : 'kubectl apply --server-side --force-conflicts -k',
      );
      expect(await isThere(nmi)).toBe(false);
      // kubectl cannot read the schemas of 1.20.
      const command = printedCommand(
        'docs/administrator/from-the-original.md',
        'overlays/old-definitions',
      ).replace('kubectl apply', `kubectl --kubeconfig '${kubeconfig}' apply --validate=false`);
      await runCommand('bash', ['-c', `cd '${repository}'; ${command}`]);
      await helm(...install);
      await helm('uninstall', release);
      for (const definition of await readManifests(inChart('crds'))) await deleteObject(kube, definition);
      await untilNone(kube, {
        path: pathOf(definitions),
        fits: ({ metadata }) => metadata.name.endsWith('.aadpodidentity.k8s.io'),
      });
    });
  });
});

/** Of a release of the original's chart in the same cluster: Helm neither installs over objects of another release nor deletes them. */
const rolesOfOriginal = ['mic', 'nmi'].flatMap((service): readonly KubeObject[] => {
  const name = `aad-pod-identity-${service}`;
  const metadata = { name, labels: { 'app.kubernetes.io/managed-by': 'Helm' } };
  const apiGroup = 'rbac.authorization.k8s.io';
  const roleRef = { apiGroup, kind: 'ClusterRole', name };
  return [
    { apiVersion: `${apiGroup}/v1`, kind: 'ClusterRole', metadata, rules: [] },
    { apiVersion: `${apiGroup}/v1`, kind: 'ClusterRoleBinding', metadata, roleRef, subjects: [] },
  ];
});

const identity = (name: string): KubeObject => ({
  apiVersion: ours.apiVersion,
  kind: 'AzureIdentity',
  metadata: { name, namespace: ours.namespace },
  spec: { type: 0, resourceID: names.firstIdentity.id, clientID: names.firstIdentity.clientId },
});

const valuesOfReports = {
  namespace: ours.namespace,
  type: 0,
  resourceID: names.secondIdentity.id,
  clientID: names.secondIdentity.clientId,
  binding: { selector: 'reports' },
  serviceAccounts: ['*'],
};

const daemonSet = (name: string): KubeObject => ({
  apiVersion: nmi.apiVersion,
  kind: nmi.kind,
  metadata: { name, namespace: nmi.namespace },
  spec: {
    selector: { matchLabels: { name } },
    template: {
      metadata: { labels: { name } },
      spec: { containers: [{ name, image: 'local.test/none:1' }] },
    },
  },
});

/** As the original created it until 1.7: without a schema. */
function ofV1beta1(definition: KubeObject): KubeObject {
  const { group, names: called, scope } = definition['spec'] as Readonly<Record<string, unknown>>;
  const spec = { group, names: called, scope, version: 'v1' };
  return { ...definition, apiVersion: 'apiextensions.k8s.io/v1beta1', spec };
}

/** As a definition of an earlier version. */
function without(definition: KubeObject, field: string): KubeObject {
  const text = JSON.stringify(definition, (key, value: unknown) => (key === field ? undefined : value));
  return JSON.parse(text) as KubeObject;
}
