// The chart and the kustomizations of deploy/ render the same objects, compared in both directions.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { baseWith, kustomize } from '../stage/kustomize.ts';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';
import { findHelm } from './helm-for-tests.ts';
import { objectsOf, renderChart } from './render.ts';
import { comparable } from './same-objects.ts';

const helm = await findHelm('4.2.3');
const missing = whyNoPrograms({ programs: ['kubectl'] }) ?? (helm.kind === 'missing' ? helm.why : undefined);
if (missing !== undefined) console.warn(`skipped comparing the chart with deploy/: ${missing}`);

interface Pair {
  readonly values: object;
  readonly kubeVersion: string;
  /** A folder of deploy/overlays, or deploy/base with these components. */
  readonly resource: string;
  readonly components?: readonly string[];
}

const base = {
  mic: { podDisruptionBudget: null },
  identityAccess: { mode: 'namespace', allowExceptionsIn: [] },
};

const brokerNodes = 'node-restriction.kubernetes.io/pod-identity-broker';

const pairs: Readonly<Record<string, Pair>> = {
  'the overlay standard': { values: {}, kubeVersion: '1.22', resource: 'overlays/standard' },
  'the overlay managed': {
    values: { operationMode: 'managed' },
    kubeVersion: '1.36',
    resource: 'overlays/managed',
  },
  'the overlay noazurejson': {
    values: { adminsecret: { cloud: 'AzurePublicCloud', useMSI: true } },
    kubeVersion: '1.36',
    resource: 'overlays/noazurejson',
  },
  'the overlay federated': {
    values: {
      operationMode: 'managed',
      broker: {
        enabled: true,
        nodeSelector: { [brokerNodes]: 'true' },
        tolerations: [{ key: brokerNodes, operator: 'Exists' }],
      },
    },
    kubeVersion: '1.36',
    resource: 'overlays/federated',
  },
  'the broker on every node': {
    values: { ...base, broker: { enabled: true, everyNodeIsTrusted: true } },
    kubeVersion: '1.21',
    resource: 'base',
    components: ['broker/every-node-is-trusted', 'original-lock', 'service-principals'],
  },
  'the base before 1.22': {
    values: { ...base, mic: { ...base.mic, originalLock: 'default/aad-pod-identity-mic' } },
    kubeVersion: '1.20',
    resource: 'base',
    components: ['original-lock', 'service-principals'],
  },
  'the mode warn, with every part that is opt-in': {
    values: {
      identityAccess: { mode: 'warn', machineRights: true },
      startupTaint: 'aadpodidentity.k8s.io/nmi-not-ready',
      installMICException: true,
      nmi: { bootGuard: true },
    },
    kubeVersion: '1.22',
    resource: 'base',
    components: [
      'original-lock',
      'identity-access-warn',
      'exception-namespaces',
      'machine-rights',
      'startup-taint',
      'mic-exception',
      'boot-guard',
      'surge',
      'pod-disruption-budget',
      'service-principals',
    ],
  },
  'the mode managed with the start-up taint': {
    values: { ...base, operationMode: 'managed', startupTaint: 'aadpodidentity.k8s.io/nmi-not-ready' },
    kubeVersion: '1.20',
    resource: 'base',
    components: ['managed', 'nmi-startup-taint', 'service-principals'],
  },
  'a cluster without RBAC': {
    values: { ...base, rbac: { enabled: false } },
    kubeVersion: '1.20',
    resource: 'base',
    components: ['without-roles'],
  },
};

/** What only one of them has: the namespace is Helm's to create, the Secret kustomize's user's; tests are Helm's; definitions are in crds/. */
const isCompared = ({ kind, metadata }: KubeObject) =>
  !['Namespace', 'Secret', 'CustomResourceDefinition'].includes(kind) && !metadata.name.startsWith('test-');

describe.skipIf(missing !== undefined)('the chart renders the same objects as', () => {
  test.each(Object.entries(pairs))('%s', async (_, pair) => {
    const program = helm.kind === 'found' ? helm.program : '';
    const ours = objectsOf(await renderChart(program, pair)).filter(isCompared);
    const theirs = theirsFor(pair).filter(isCompared);
    expect(comparable(ours)).toEqual(comparable(theirs));
  });

  test('the policies on tokens of MIC and NMI and on probes', async () => {
    const program = helm.kind === 'found' ? helm.program : '';
    const text = await renderChart(program, { values: { admissionPolicies: true }, kubeVersion: '1.30' });
    const ours = objectsOf(text).filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));
    const files = ['nmi-own-node', 'startup-taint-only', 'probe-host'].map((name) => `policies/${name}.yaml`);
    const theirs = (await Promise.all(files.map((file) => readManifests(inDeploy(file))))).flat();
    expect(comparable(ours)).toEqual(comparable(theirs));
  });

  test('the overlay that removes the rules, in place of NMI', async () => {
    const program = helm.kind === 'found' ? helm.program : '';
    const text = await renderChart(program, { values: { nmi: { removeRules: true } }, kubeVersion: '1.36' });
    const names = objectsOf(text)
      .filter(({ kind }) => kind === 'DaemonSet')
      .map(({ metadata }) => metadata.name);
    expect(names).toEqual(['nmi-uninstall']);
    const theirs = kustomize('overlays/uninstall');
    const ours = objectsOf(text).filter(({ metadata }) => metadata.name === 'nmi-uninstall');
    expect(comparable(ours)).toEqual(comparable(theirs));
  });
});

const theirsFor = ({ resource, components }: Pair) =>
  components === undefined ? kustomize(resource) : baseWith(...components);
