import { expect, test } from 'vitest';
import type { Given } from './given.ts';
import { describeNeeds, nodesForMic, problemsOf, skipped, type Seen } from './needs.ts';

const alone: Given = { kubeconfig: '/k', images: 'registry.test', tag: '7' };
const one = { id: '/subscriptions/s', clientId: 'c' };
const withAzure: Given = { ...alone, identities: [one, one] };
const node = {
  name: 'node1',
  os: 'linux',
  isSchedulable: true,
  isReady: true,
  taints: [],
  providerId: 'azure:///a',
};
const tainted = (effect: string, key = 'role') => ({ ...node, taints: [{ key, effect }] });
const fine: Seen = { isAdministrator: true, nodes: [node], existing: [] };

test('a cluster of Azure without an installation is taken, and another one for NMI alone', () => {
  expect(problemsOf(fine, withAzure)).toEqual([]);
  const elsewhere = { ...fine, nodes: [{ ...node, providerId: 'kind://docker/kind/node1' }] };
  expect(problemsOf(elsewhere, alone)).toEqual([]);
  expect(problemsOf(elsewhere, withAzure)).toEqual([
    expect.stringContaining('no provider id azure://…: node1.'),
  ]);
});

test.each([
  ['a user without the rights', { isAdministrator: false }, 'cluster-admin'],
  ['no node', { nodes: [] }, 'None of 0 nodes'],
  ['Windows alone', { nodes: [{ ...node, os: 'windows' }] }, 'None of 1 nodes'],
  ['a cordoned node alone', { nodes: [{ ...node, isSchedulable: false }] }, 'None of 1 nodes'],
  ['a tainted node alone', { nodes: [tainted('NoSchedule')] }, 'None of 1 nodes'],
  [
    'a cordoned node that is not Ready',
    { nodes: [node, { ...node, name: 'node2', isReady: false, isSchedulable: false }] },
    'these nodes are not Ready: node2.',
  ],
])('%s is a reason not to begin', (_, seen, why) => {
  expect(problemsOf({ ...fine, ...seen }, alone)).toEqual([expect.stringContaining(why)]);
});

test('MIC’s pods are for the nodes that take it: without a taint but the start-up taint, and without a cordon', () => {
  const nodes = [
    node,
    tainted('NoSchedule', 'aadpodidentity.k8s.io/nmi-not-ready'),
    tainted('PreferNoSchedule'),
    tainted('NoSchedule'),
    tainted('NoExecute'),
    { ...node, isSchedulable: false },
    { ...node, os: 'windows' },
  ];
  expect(nodesForMic({ nodes })).toBe(3);
});

test('an installation is named, and never removed; what an earlier run left has an option', () => {
  const existing = [
    { what: 'DaemonSet default/nmi', isLeftover: false },
    { what: 'Namespace pod-identity-e2e-1', isLeftover: true },
  ];
  const [foreign, leftover, ...others] = problemsOf({ ...fine, existing }, alone);
  expect(foreign).toMatch(/left as it is: DaemonSet default\/nmi\. Take another/);
  expect(leftover).toMatch(/Namespace pod-identity-e2e-1\. --remove-leftovers/);
  expect(others).toEqual([]);
});

test('of many objects the first are named', () => {
  const existing = Array.from({ length: 10 }, (_, at) => ({ what: `o${at}`, isLeftover: false }));
  expect(problemsOf({ ...fine, existing }, alone)[0]).toContain('o7, and 2 more.');
});

test('the needs name the images, and Azure only with identities; without them the run says what is left out', () => {
  expect(describeNeeds(alone).join('\n')).toContain('can pull registry.test/nmi:7, or');
  expect(describeNeeds(alone).join('\n')).not.toMatch(/mic|azure/);
  expect(describeNeeds(withAzure).join('\n')).toMatch(/mic:7 and registry\.test\/nmi:7.*azure\.json/s);
  expect(skipped(alone)).toHaveLength(2);
  expect(skipped(withAzure)).toHaveLength(1);
});
